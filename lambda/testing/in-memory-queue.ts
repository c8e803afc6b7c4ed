import type { PolledSource } from './polled-source';
import type { SeededRandom } from './seeded-random';
import { takeBatch } from './take-batch';
import type { Clock, DeadLetterStore, Delivery, Dispatch, Outcome, Place, Sent } from '../engine';

const SECOND = 1000;
const MEBIBYTE = 1024 * 1024;

/** Options of {@link InMemoryQueue}. */
export interface InMemoryQueueOptions {
  readonly clock: Clock;
  /**
   * Name of the queue.
   *
   * @default 'queue'
   */
  readonly resource?: string;
  /**
   * Milliseconds for which a message that was taken is hidden from other takers.
   *
   * @default 180000 - six times the default timeout of the function
   */
  readonly visibilityTimeout?: number;
  /**
   * How often a message is taken before it becomes a dead letter instead: an integer ≥ 1.
   *
   * @default 100
   */
  readonly maxReceives?: number;
  /** Where such messages go. */
  readonly deadLetters: DeadLetterStore;
  /**
   * The most milliseconds by which it holds a message back: 0 to 900000. An event source holds none back.
   *
   * @default 900000
   */
  readonly longestDelay?: number;
  /**
   * The messages of an execution are delivered in the order in which they were sent: while one of them is being processed, or waits to be
   * delivered again, those behind it wait.
   *
   * @default false
   */
  readonly fifo?: boolean;
  /**
   * Takes the messages in a random order, as a standard queue may do.
   *
   * @default - in the order in which they became visible
   */
  readonly disorder?: SeededRandom;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly group: string;
  visibleAt: number;
  receives: number;
}

/**
 * A queue in memory that behaves like one of Amazon SQS: at least once, with a visibility timeout, delays of up to 15 minutes in whole
 * seconds, and a native dead-letter queue. It serves as an event source and as a retry queue.
 */
export class InMemoryQueue implements PolledSource {
  public readonly name = 'sqs';
  /** @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
  public readonly maxBatchEntries = 10;
  public readonly maxBatchBytes = MEBIBYTE;
  public readonly maxBodyBytes = MEBIBYTE;
  public readonly longestDelay: number;
  private readonly messages = new Map<string, Message>();
  private readonly options: Required<Omit<InMemoryQueueOptions, 'disorder'>> & Pick<InMemoryQueueOptions, 'disorder'>;
  private sent = 0;

  constructor(options: InMemoryQueueOptions) {
    this.options = { resource: 'queue', visibilityTimeout: 180 * SECOND, maxReceives: 100, longestDelay: 900 * SECOND, fifo: false, ...options };
    this.longestDelay = this.options.longestDelay;
  }

  public get size(): number {
    return this.messages.size;
  }

  public get nextAt(): number | undefined {
    const heads = this.heads([]);
    return heads.length === 0 ? undefined : Math.min(...heads.map((message) => message.visibleAt));
  }

  public async send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    return takeBatch(this, dispatches, ({ envelope, body }) => {
      const delay = (envelope.notBefore ?? 0) - this.options.clock.now();
      return { ok: true, journaled: false, place: this.put(body, { group: envelope.executionId, delay }) };
    });
  }

  /**
   * @param options the message group, by itself a group of its own, and the milliseconds by which the message is held back, by itself none
   */
  public put(body: string, options: { readonly group?: string; readonly delay?: number } = {}): Place {
    this.sent += 1;
    const id = `${this.options.resource}-${this.sent}`;
    const delay = Math.min(Math.ceil(Math.max(0, options.delay ?? 0) / SECOND) * SECOND, this.longestDelay);
    const message = { id, body, group: options.group ?? id, visibleAt: this.options.clock.now() + delay, receives: 0 };
    this.messages.set(id, message);
    return this.placeOf(message);
  }

  public take(most: number): readonly Delivery[] {
    const now = this.options.clock.now();
    const batch: Delivery[] = [];
    while (batch.length < Math.min(most, this.maxBatchEntries)) {
      const visible = this.heads(batch).filter((message) => message.visibleAt <= now);
      if (visible.length === 0) {
        break;
      }
      const message = this.options.disorder?.pick(visible) ?? visible.reduce((a, b) => (b.visibleAt < a.visibleAt ? b : a));
      message.receives += 1;
      if (message.receives > this.options.maxReceives) {
        this.bury(message);
        continue;
      }
      message.visibleAt = now + this.options.visibilityTimeout;
      batch.push({ id: message.id, body: message.body, place: this.placeOf(message), blocking: false });
    }
    return batch;
  }

  public settle(batch: readonly Delivery[], outcomes: ReadonlyMap<string, Outcome>): void {
    for (const { id } of batch) {
      // What is not acknowledged stays hidden until its visibility timeout is over.
      if (outcomes.get(id) === 'acknowledge') {
        this.messages.delete(id);
      }
    }
  }

  /** What may be taken next as far as the order is concerned: in a FIFO queue, the first of each group that is not in the batch. */
  private heads(batch: readonly Delivery[]): Message[] {
    if (!this.options.fifo) {
      return [...this.messages.values()];
    }
    const heads = new Map<string, Message>();
    for (const message of this.messages.values()) {
      if (!heads.has(message.group) && !batch.some(({ id }) => id === message.id)) {
        heads.set(message.group, message);
      }
    }
    return [...heads.values()];
  }

  private bury(message: Message): void {
    this.messages.delete(message.id);
    void this.options.deadLetters.put({
      reason: `The message was received ${this.options.maxReceives} times and never acknowledged.`,
      body: message.body,
      place: this.placeOf(message),
      at: this.options.clock.now(),
    });
  }

  private placeOf(message: Message): Place {
    return { service: this.name, resource: this.options.resource, messageId: message.id };
  }
}
