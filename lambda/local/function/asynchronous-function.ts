import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { InvocationResult } from './function';
import { pause, retryUntilStopped, stopper, type Invocable, type OnPollerError, type Poller } from './poller';
import {
  ASYNCHRONOUS_INVOCATION_DEFAULTS,
  isTooOld,
  retryDelayMs,
  type AsynchronousInvocationRules,
} from '../../testing/rules/asynchronous-invocation';

/** The configuration of asynchronous invocations of a function. */
export interface AsynchronousSettings extends Omit<AsynchronousInvocationRules, 'firstRetryDelayMs'> {
  readonly functionArn: string;
  /** The queue that receives discarded events. */
  readonly onFailureQueueUrl?: string;
}

export interface AsynchronousOptions {
  /** Sends discarded events to the on-failure destination. */
  readonly queues: SQSClient;
  /**
   * Delay before the first retry, in milliseconds. It doubles before the second.
   *
   * @default 60000 - as in Lambda
   */
  readonly firstRetryDelayMs?: number;
  readonly onError: OnPollerError;
}

/**
 * Invokes a function for services that do not wait for the response (Amazon SNS, Amazon EventBridge). Lambda accepts the event, retries
 * failures, and sends discarded events to the on-failure destination.
 *
 * ```
 * attempt 1 ── fails ── delay ── attempt 2 ── fails ── 2 · delay ── attempt 3 ── fails ──► destination
 * ```
 */
export class AsynchronousFunction implements Poller {
  private readonly stopped = stopper();
  private readonly retries = new Set<Promise<void>>();
  private readonly rules: AsynchronousInvocationRules;

  constructor(
    private readonly target: Invocable,
    private readonly settings: AsynchronousSettings,
    private readonly options: AsynchronousOptions,
  ) {
    const { firstRetryDelayMs = ASYNCHRONOUS_INVOCATION_DEFAULTS.firstRetryDelayMs } = options;
    this.rules = { ...settings, firstRetryDelayMs };
  }

  /** Maximum number of concurrent invocations. */
  public get environments(): number {
    return this.target.environments;
  }

  /** Accepts an event. Resolves after the first attempt; retries continue in the background. */
  public async invoke(event: unknown): Promise<void> {
    const acceptedAt = Date.now();
    const result = await this.target.invoke(event);
    if (result.ok || this.stopped.signal.aborted) {
      return;
    }
    const retries = this.retry(event, acceptedAt, result).finally(() => this.retries.delete(retries));
    this.retries.add(retries);
  }

  public async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.retries);
  }

  private async retry(event: unknown, acceptedAt: number, first: InvocationResult): Promise<void> {
    const { signal } = this.stopped;
    let result = first;
    for (let failures = 1; !result.ok; failures++) {
      const delayMs = retryDelayMs(failures, this.rules);
      if (delayMs === undefined) {
        await this.discard('RetriesExhausted', event, result, failures);
        return;
      }
      await pause(delayMs, signal);
      if (signal.aborted) {
        return;
      }
      if (isTooOld(acceptedAt, Date.now(), this.rules)) {
        await this.discard('EventAgeExceeded', event, result, failures);
        return;
      }
      result = await this.target.invoke(event);
    }
  }

  /** @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
  private async discard(
    condition: 'RetriesExhausted' | 'EventAgeExceeded',
    event: unknown,
    { requestId, errorType, errorMessage }: Extract<InvocationResult, { ok: false }>,
    attempts: number,
  ): Promise<void> {
    const { functionArn, onFailureQueueUrl } = this.settings;
    if (onFailureQueueUrl === undefined) {
      return;
    }
    const body = JSON.stringify({
      version: '1.0',
      timestamp: new Date().toISOString(),
      requestContext: { requestId, functionArn: `${functionArn}:$LATEST`, condition, approximateInvokeCount: attempts },
      requestPayload: event,
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorMessage, errorType },
    });
    const { signal } = this.stopped;
    const { queues, onError } = this.options;
    const command = new SendMessageCommand({ QueueUrl: onFailureQueueUrl, MessageBody: body });
    await retryUntilStopped(() => queues.send(command, { abortSignal: signal }), {
      signal,
      onError,
      failure: `Cannot send a discarded event to ${onFailureQueueUrl}`,
    });
  }
}
