import type { PolledSource } from './polled-source';
import type { SeededRandom } from './seeded-random';
import { takeBatch } from './take-batch';
import type { Clock, DeadLetterStore, Delivery, Dispatch, Outcome, Place, Sent } from '../engine';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const MAX_MESSAGE_BYTES = 262_144;

/**
 * How long Lambda waits before it tries an asynchronous invocation again that has failed, and for how long it tries at all.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const RETRY_DELAYS = [MINUTE, 2 * MINUTE];
const MAX_AGE = 6 * HOUR;

/** Options of {@link InMemoryTopic}. */
export interface InMemoryTopicOptions {
  readonly clock: Clock;
  /**
   * Name of the topic.
   *
   * @default 'topic'
   */
  readonly resource?: string;
  /** Where the messages go whose invocations have failed as often as Lambda tries them. */
  readonly deadLetters: DeadLetterStore;
  /**
   * Delivers the messages in a random order, as a standard topic may do.
   *
   * @default - in the order in which they were published
   */
  readonly disorder?: SeededRandom;
  /**
   * Milliseconds before the function is invoked with a message.
   *
   * @default 0
   */
  readonly latency?: number;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly publishedAt: number;
  /** When the function is invoked with it next. */
  dueAt: number;
  failures: number;
  invoked: boolean;
}

/**
 * A topic in memory that behaves like one of Amazon SNS that invokes a function: one message at a time, and asynchronously. Nobody waits
 * for the function's answer, so single records cannot be given back; an invocation that fails is tried again after a minute and after two
 * more, and then its message is a dead letter.
 */
export class InMemoryTopic implements PolledSource {
  public readonly name = 'sns';
  /** @see https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html */
  public readonly maxBatchEntries = 10;
  public readonly maxBatchBytes = MAX_MESSAGE_BYTES;
  public readonly maxBodyBytes = MAX_MESSAGE_BYTES;
  public readonly longestDelay = 0;
  private readonly messages = new Map<string, Message>();
  private readonly options: Required<Omit<InMemoryTopicOptions, 'disorder'>> & Pick<InMemoryTopicOptions, 'disorder'>;
  private published = 0;

  constructor(options: InMemoryTopicOptions) {
    this.options = { resource: 'topic', latency: 0, ...options };
  }

  public get size(): number {
    return this.messages.size;
  }

  public get nextAt(): number | undefined {
    const waiting = this.waiting();
    return waiting.length === 0 ? undefined : Math.min(...waiting.map(({ dueAt }) => dueAt));
  }

  public async send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    return takeBatch(this, dispatches, ({ body }) => ({ ok: true, journaled: false, place: this.put(body) }));
  }

  public put(body: string): Place {
    this.published += 1;
    const id = `${this.options.resource}-${this.published}`;
    const now = this.options.clock.now();
    this.messages.set(id, { id, body, publishedAt: now, dueAt: now + this.options.latency, failures: 0, invoked: false });
    return this.placeOf(id);
  }

  /** SNS puts one message into each invocation, however many are asked for. */
  public take(most: number): readonly Delivery[] {
    const now = this.options.clock.now();
    const due = most < 1 ? [] : this.waiting().filter(({ dueAt }) => dueAt <= now);
    for (const message of due.filter(({ publishedAt }) => publishedAt < now - MAX_AGE)) {
      this.bury(message);
    }
    const deliverable = due.filter(({ id }) => this.messages.has(id));
    if (deliverable.length === 0) {
      return [];
    }
    const message = this.options.disorder?.pick(deliverable) ?? deliverable.reduce((a, b) => (b.dueAt < a.dueAt ? b : a));
    message.invoked = true;
    return [{ id: message.id, body: message.body, place: this.placeOf(message.id), blocking: true }];
  }

  public settle(batch: readonly Delivery[], outcomes: ReadonlyMap<string, Outcome>): void {
    for (const { id } of batch) {
      const message = this.messages.get(id);
      if (!message) {
        continue;
      }
      if (outcomes.get(id) === 'acknowledge') {
        this.messages.delete(id);
        continue;
      }
      const delay = RETRY_DELAYS[message.failures];
      if (delay === undefined) {
        this.bury(message);
        continue;
      }
      message.failures += 1;
      message.invoked = false;
      message.dueAt = this.options.clock.now() + delay;
    }
  }

  private waiting(): Message[] {
    return [...this.messages.values()].filter(({ invoked }) => !invoked);
  }

  private bury(message: Message): void {
    this.messages.delete(message.id);
    void this.options.deadLetters.put({
      reason: 'The invocations with the message have failed as often as they are tried.',
      body: message.body,
      place: this.placeOf(message.id),
      at: this.options.clock.now(),
    });
  }

  private placeOf(messageId: string): Place {
    return { service: this.name, resource: this.options.resource, messageId };
  }
}
