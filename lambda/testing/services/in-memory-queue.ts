import { acceptBatch } from './accept-batch';
import type { PolledSource } from './polled-source';
import {
  isNearReceiveLimit,
  type Clock,
  type DeadLetterStore,
  type Delivery,
  type OutgoingEnvelope,
  type Outcome,
  type Place,
  type DispatchResult,
} from '../../engine';
import type { SeededRandom } from '../determinism/seeded-random';

const SECOND_MS = 1000;
/** @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html */
const MAX_VISIBILITY_SECONDS = 43_200;
const MEBIBYTE = 1024 * 1024;

/** Options of {@link InMemoryQueue}. */
export interface InMemoryQueueOptions {
  readonly clock: Clock;
  /**
   * The name of the queue.
   *
   * @default 'queue'
   */
  readonly resource?: string;
  /**
   * Visibility timeout of a received message, in milliseconds.
   *
   * @default 60000 - 30 seconds more than the function's default timeout
   */
  readonly visibilityTimeout?: number;
  /**
   * Maximum number of receives. After that, the message is dead-lettered: an integer ≥ 1.
   *
   * @default 100
   */
  readonly maxReceives?: number;
  /** The dead-letter queue. */
  readonly deadLetters: DeadLetterStore;
  /**
   * Maximum delay of a message, in milliseconds: 0 to 900000. Use 0 for an event source.
   *
   * @default 900000
   */
  readonly longestDelay?: number;
  /**
   * Delivers the messages of an execution in the order in which they were sent: while one of them is in flight or waits for redelivery, the
   * later ones wait.
   *
   * @default false
   */
  readonly fifo?: boolean;
  /**
   * Delivers the messages in a random order, as a standard queue may do.
   *
   * @default - the order in which they became visible
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
 * A queue in memory that behaves like an Amazon SQS queue: at-least-once delivery, a visibility timeout, delays of up to 15 minutes in whole
 * seconds, and a dead-letter queue. It serves as an event source and as a retry queue.
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
    this.options = {
      resource: 'queue',
      visibilityTimeout: 60 * SECOND_MS,
      maxReceives: 100,
      longestDelay: 900 * SECOND_MS,
      fifo: false,
      ...options,
    };
    this.longestDelay = this.options.longestDelay;
  }

  public get size(): number {
    return this.messages.size;
  }

  public get nextAt(): number | undefined {
    const heads = this.heads([]);
    return heads.length === 0 ? undefined : Math.min(...heads.map((message) => message.visibleAt));
  }

  public async send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
    return acceptBatch(this, dispatches, ({ envelope, body }) => {
      const delay = (envelope.notBefore ?? 0) - this.options.clock.now();
      return { ok: true, journaled: false, place: this.put(body, { group: envelope.executionId, delay }) };
    });
  }

  /**
   * Sends a message with any body.
   *
   * @param options `group`: the message group, by default a separate group; `delay`: in milliseconds, by default none
   */
  public put(body: string, options: { readonly group?: string; readonly delay?: number } = {}): Place {
    this.sent += 1;
    const id = `${this.options.resource}-${this.sent}`;
    const delay = Math.min(Math.ceil(Math.max(0, options.delay ?? 0) / SECOND_MS) * SECOND_MS, this.longestDelay);
    const message = { id, body, group: options.group ?? id, visibleAt: this.options.clock.now() + delay, receives: 0 };
    this.messages.set(id, message);
    return this.placeOf(message);
  }

  public take(most: number): readonly Delivery[] {
    const now = this.options.clock.now();
    const { fifo } = this.options;
    const batch: Delivery[] = [];
    while (batch.length < Math.min(most, this.maxBatchEntries)) {
      const visible = this.heads(batch).filter((message) => message.visibleAt <= now);
      if (visible.length === 0) {
        break;
      }
      const message =
        this.options.disorder?.pick(visible) ?? visible.reduce((a, b) => (b.visibleAt < a.visibleAt ? b : a));
      message.receives += 1;
      if (message.receives > this.options.maxReceives) {
        this.deadLetter(message);
        continue;
      }
      message.visibleAt = now + this.options.visibilityTimeout;
      batch.push({
        id: message.id,
        body: message.body,
        place: this.placeOf(message),
        blocking: false,
        ordered: fifo,
        receipt: { queue: this.options.resource, handle: receiptOf(message) },
        receives: message.receives,
        nearReceiveLimit: isNearReceiveLimit(message.receives, this.options.maxReceives),
      });
    }
    return batch;
  }

  public settle(batch: readonly Delivery[], outcomes: ReadonlyMap<string, Outcome>): void {
    for (const { id } of batch) {
      const outcome = outcomes.get(id);
      const message = this.messages.get(id);
      if (outcome === 'acknowledge') {
        this.messages.delete(id);
      } else if (message && typeof outcome === 'object') {
        this.hide(message, outcome.redeliverAt);
      }
      // Any other message stays hidden until its visibility timeout expires.
    }
  }

  /**
   * Changes the visibility timeout of a received message, by its receipt, in milliseconds from now.
   *
   * @returns false if the message was deleted, or received again since
   */
  public changeVisibility(receipt: string, timeout: number): boolean {
    const message = [...this.messages.values()].find((each) => receiptOf(each) === receipt);
    if (!message) {
      return false;
    }
    this.hide(message, this.options.clock.now() + timeout);
    return true;
  }

  private hide(message: Message, until: number): void {
    const seconds = Math.ceil((until - this.options.clock.now()) / SECOND_MS);
    message.visibleAt = this.options.clock.now() + Math.min(Math.max(seconds, 0), MAX_VISIBILITY_SECONDS) * SECOND_MS;
  }

  /** The messages that the order allows to be delivered next. In a FIFO queue: the first message of each group, except those in the batch. */
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

  private deadLetter(message: Message): void {
    this.messages.delete(message.id);
    void this.options.deadLetters.put({
      reason: `The message was received ${this.options.maxReceives} times without being acknowledged.`,
      body: message.body,
      place: this.placeOf(message),
      at: this.options.clock.now(),
    });
  }

  private placeOf(message: Message): Place {
    return { service: this.name, resource: this.options.resource, messageId: message.id };
  }
}

/** Identifies one receive of a message. */
function receiptOf({ id, receives }: Message): string {
  return `${id}/${receives}`;
}
