import { acceptBatch } from './accept-batch';
import { InMemoryQueue } from './in-memory-queue';
import type { PolledSource } from './polled-source';
import type { Clock, DeadLetterStore, Delivery, OutgoingEnvelope, Outcome, Place, DispatchResult } from '../../engine';
import type { SeededRandom } from '../determinism/seeded-random';
import { ASYNCHRONOUS_INVOCATION_DEFAULTS, isTooOld, retryDelayMs } from '../rules/asynchronous-invocation';

const MAX_MESSAGE_BYTES = 262_144;

/** Ends the names of the queues of failed invocations. */
export const FAILED_INVOCATIONS_SUFFIX = '-failed-invocations';

/** Number of deliveries after which the queue of failed invocations dead-letters a message. */
export const MAX_RECEIVES_OF_FAILED = 10;

/** Options of {@link InMemoryTopic}. */
export interface InMemoryTopicOptions {
  readonly clock: Clock;
  /**
   * The name of the topic.
   *
   * @default 'topic'
   */
  readonly resource?: string;
  /** Receives the messages that fail again and again even from the queue of failed invocations. */
  readonly deadLetters: DeadLetterStore;
  /**
   * Delivers the messages in a random order, as a standard topic may do.
   *
   * @default - the order in which they were published
   */
  readonly disorder?: SeededRandom;
  /**
   * Delay before the function is invoked with a message, in milliseconds.
   *
   * @default 0
   */
  readonly latency?: number;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly publishedAt: number;
  /** The time of the next invocation, in milliseconds since the epoch. */
  dueAt: number;
  failures: number;
  invoked: boolean;
}

/**
 * A topic in memory that behaves like an Amazon SNS topic with a subscribed function: it invokes the function asynchronously, with one message
 * at a time. A function cannot report failed records, but a failed invocation is retried after one minute and after two more minutes. Then its
 * message moves to the queue of failed invocations, which the function receives from as well.
 */
export class InMemoryTopic implements PolledSource {
  public readonly name = 'sns';
  /** @see https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html */
  public readonly maxBatchEntries = 10;
  public readonly maxBatchBytes = MAX_MESSAGE_BYTES;
  public readonly maxBodyBytes = MAX_MESSAGE_BYTES;
  /** The queue of failed invocations. */
  public readonly failedInvocations: InMemoryQueue;
  private readonly messages = new Map<string, Message>();
  private readonly options: Required<Omit<InMemoryTopicOptions, 'disorder'>> & Pick<InMemoryTopicOptions, 'disorder'>;
  private published = 0;

  constructor(options: InMemoryTopicOptions) {
    this.options = { resource: 'topic', latency: 0, ...options };
    const { clock, deadLetters, resource } = this.options;
    this.failedInvocations = new InMemoryQueue({
      clock,
      deadLetters,
      resource: `${resource}${FAILED_INVOCATIONS_SUFFIX}`,
      maxReceives: MAX_RECEIVES_OF_FAILED,
    });
  }

  public get size(): number {
    return this.messages.size + this.failedInvocations.size;
  }

  public get nextAt(): number | undefined {
    const moments = [...this.waiting().map(({ dueAt }) => dueAt), this.failedInvocations.nextAt].filter(
      (moment) => moment !== undefined,
    );
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  public async send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    return acceptBatch(this, dispatches, ({ body }) => ({ ok: true, journaled: false, place: this.put(body) }));
  }

  public put(body: string): Place {
    this.published += 1;
    const id = `${this.options.resource}-${this.published}`;
    const now = this.options.clock.now();
    this.messages.set(id, {
      id,
      body,
      publishedAt: now,
      dueAt: now + this.options.latency,
      failures: 0,
      invoked: false,
    });
    return this.placeOf(id);
  }

  /** Takes one message, as SNS does, even if `most` is larger. */
  public take(most: number): readonly Delivery[] {
    const now = this.options.clock.now();
    const due = most < 1 ? [] : this.waiting().filter(({ dueAt }) => dueAt <= now);
    for (const message of due.filter(({ publishedAt }) =>
      isTooOld(publishedAt, now, ASYNCHRONOUS_INVOCATION_DEFAULTS),
    )) {
      this.fail(message);
    }
    const deliverable = due.filter(({ id }) => this.messages.has(id));
    if (deliverable.length === 0) {
      return this.failedInvocations.take(Math.min(most, 1));
    }
    const message =
      this.options.disorder?.pick(deliverable) ?? deliverable.reduce((a, b) => (b.dueAt < a.dueAt ? b : a));
    message.invoked = true;
    return [{ id: message.id, body: message.body, place: this.placeOf(message.id), blocking: true, ordered: false }];
  }

  public settle(batch: readonly Delivery[], outcomes: ReadonlyMap<string, Outcome>): void {
    this.failedInvocations.settle(batch, outcomes);
    for (const { id } of batch) {
      const message = this.messages.get(id);
      if (!message) {
        continue;
      }
      if (outcomes.get(id) === 'acknowledge') {
        this.messages.delete(id);
        continue;
      }
      message.failures += 1;
      const delayMs = retryDelayMs(message.failures, ASYNCHRONOUS_INVOCATION_DEFAULTS);
      if (delayMs === undefined) {
        this.fail(message);
        continue;
      }
      message.invoked = false;
      message.dueAt = this.options.clock.now() + delayMs;
    }
  }

  private waiting(): Message[] {
    return [...this.messages.values()].filter(({ invoked }) => !invoked);
  }

  private fail(message: Message): void {
    this.messages.delete(message.id);
    this.failedInvocations.put(message.body);
  }

  private placeOf(messageId: string): Place {
    return { service: this.name, resource: this.options.resource, messageId };
  }
}
