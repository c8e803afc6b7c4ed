import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { InvocationResult } from './function';
import { pause, stopper, type Invocable, type OnPollerError, type Poller } from './pollers/poller';

/** How Lambda treats asynchronous invocations of a function. */
export interface AsynchronousSettings {
  readonly functionArn: string;
  /** How often a failed invocation is tried again: 0 to 2. */
  readonly maximumRetryAttempts: number;
  /** An event older than this is given up, in seconds. */
  readonly maximumEventAgeSeconds: number;
  /** The queue that gets what was given up. */
  readonly onFailureQueueUrl?: string;
}

export interface AsynchronousOptions {
  readonly queues: SQSClient;
  /** Milliseconds from the first attempt to the second; from the second to the third it is twice as long. */
  readonly retryDelay: number;
  readonly onError: OnPollerError;
}

/** How long a destination that failed is left alone, in milliseconds. */
const PAUSE_AFTER_ERROR = 200;

/**
 * Invokes a function as services do that do not wait for its answer (SNS, EventBridge): Lambda takes the event over, tries again what
 * fails, and tells the on-failure destination what it gives up.
 *
 * ```
 * attempt 1 ── fails ── retryDelay ── attempt 2 ── fails ── 2 · retryDelay ── attempt 3 ── fails ──► destination
 * ```
 */
export class AsynchronousFunction implements Poller {
  private readonly stopped = stopper();
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    private readonly target: Invocable,
    private readonly settings: AsynchronousSettings,
    private readonly options: AsynchronousOptions,
  ) {}

  /** Most invocations at the same time. */
  public get environments(): number {
    return this.target.environments;
  }

  /** Takes an event over. Resolves after the first attempt; what follows it goes on by itself. */
  public async invoke(event: unknown): Promise<void> {
    const acceptedAt = Date.now();
    const result = await this.target.invoke(event);
    if (result.ok || this.stopped.signal.aborted) {
      return;
    }
    const rest = this.retry(event, acceptedAt, result).finally(() => this.underWay.delete(rest));
    this.underWay.add(rest);
  }

  public async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.underWay);
  }

  private async retry(event: unknown, acceptedAt: number, first: InvocationResult): Promise<void> {
    const { maximumRetryAttempts, maximumEventAgeSeconds } = this.settings;
    const { signal } = this.stopped;
    let result = first;
    let attempts = 1;
    for (; !result.ok && attempts <= maximumRetryAttempts; attempts++) {
      await pause(this.options.retryDelay * 2 ** (attempts - 1), signal);
      if (signal.aborted) {
        return;
      }
      if (Date.now() - acceptedAt > maximumEventAgeSeconds * 1000) {
        await this.giveUp('EventAgeExceeded', event, result, attempts);
        return;
      }
      result = await this.target.invoke(event);
    }
    if (!signal.aborted) {
      await this.giveUp('RetriesExhausted', event, result, attempts);
    }
  }

  /** @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
  private async giveUp(condition: string, event: unknown, result: InvocationResult, attempts: number): Promise<void> {
    const { functionArn, onFailureQueueUrl } = this.settings;
    if (result.ok || onFailureQueueUrl === undefined) {
      return;
    }
    const { requestId, errorType, errorMessage } = result;
    const body = JSON.stringify({
      version: '1.0',
      timestamp: new Date().toISOString(),
      requestContext: { requestId, functionArn: `${functionArn}:$LATEST`, condition, approximateInvokeCount: attempts },
      requestPayload: event,
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorMessage, errorType },
    });
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        await this.options.queues.send(new SendMessageCommand({ QueueUrl: onFailureQueueUrl, MessageBody: body }), { abortSignal: signal });
        return;
      } catch (error) {
        if (!signal.aborted) {
          this.options.onError(new Error(`The queue ${onFailureQueueUrl} does not take what was given up: ${(error as Error).message}`, { cause: error }));
          await pause(PAUSE_AFTER_ERROR, signal);
        }
      }
    }
  }
}
