import type { PolledSource } from './polled-source';
import type { SeededRandom } from './seeded-random';
import { takeBatch } from './take-batch';
import type { Clock, DeadLetterStore, Delivery, Dispatch, Outcome, Sent } from '../engine';

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
      this.sent += 1;
      const id = `${this.options.resource}-${this.sent}`;
      this.messages.set(id, { id, body, group: envelope.executionId, visibleAt: this.visibleAt(envelope.notBefore), receives: 0 });
      return { ok: true, journaled: false, place: { service: this.name, resource: this.options.resource, messageId: id } };
    });
  }

  /** Puts a message in as it is, whatever it says: as somebody does who is not the engine. */
  public put(body: string): void {
    this.sent += 1;
    const id = `${this.options.resource}-${this.sent}`;
    this.messages.set(id, { id, body, group: id, visibleAt: this.options.clock.now(), receives: 0 });
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

  private visibleAt(notBefore: number | undefined): number {
    const now = this.options.clock.now();
    const wanted = Math.ceil(Math.max(0, (notBefore ?? now) - now) / SECOND) * SECOND;
    return now + Math.min(wanted, this.longestDelay);
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

  private placeOf(message: Message) {
    return { service: this.name, resource: this.options.resource, messageId: message.id };
  }
}
