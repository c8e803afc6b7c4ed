import { Batcher, type IdleTracker } from './batcher';
import { EnvelopeSender, maxEnvelopeBytes, type CircuitBreakers, type Delivered } from './envelope-sender';
import { encodeEnvelope } from '../envelope/codec';
import type { Envelope } from '../envelope/envelope';
import type { Checkpoint, Ports, Transport } from '../ports';

/** The ports that a dispatcher uses. */
type DispatcherPorts = Pick<Ports, 'eventSources' | 'retryQueues' | 'journal' | 'metrics' | 'clock' | 'logger'>;

/** Sends the envelopes and checkpoints of one invocation, in batches, with failover for each entry. */
export class Dispatcher extends EnvelopeSender {
  /** Maximum bytes of an envelope that a step may produce. */
  public readonly maxEnvelopeBytes: number;
  private readonly retryQueues: readonly Transport[];
  private readonly checkpoints: Batcher<Checkpoint, { readonly error: Error | undefined }>;

  constructor(ports: DispatcherPorts, idle: IdleTracker, lingerMs: number, breakers: CircuitBreakers) {
    super([...ports.eventSources, ...ports.retryQueues], ports, idle, lingerMs, breakers);
    this.retryQueues = ports.retryQueues;
    this.checkpoints = new Batcher(
      {
        maxEntries: ports.journal.maxBatchEntries,
        maxBytes: Number.POSITIVE_INFINITY,
        bytesOf: () => 0,
        send: async (checkpoints) => (await ports.journal.write(checkpoints)).map((error) => ({ error })),
      },
      idle,
      ports.clock,
      lingerMs,
    );
    this.maxEnvelopeBytes = maxEnvelopeBytes(ports);
  }

  /** Whether any retry queue can delay an envelope. */
  public get canDelay(): boolean {
    return this.retryQueues.some(canDelay);
  }

  /**
   * Stores an envelope in a retry queue until its `notBefore`. For a queue that cannot delay, `notBefore` is removed: the envelope would
   * otherwise circulate until that time. Such a queue never gets a timeout, which must not arrive early.
   *
   * @param body the message, if it must be forwarded unchanged
   * @returns nothing if no retry queue accepted it
   */
  public schedule(envelope: Envelope, body?: string): Promise<Delivered | undefined> {
    return this.store(this.retryQueues, envelope, body);
  }

  /**
   * Stores an envelope that must wait even if it arrives early repeatedly. If any retry queue can delay, only such queues are tried: without
   * a delay, the envelope would circulate continuously, and each round could leave another copy in a queue whose answer was lost.
   *
   * @param body the message, if it must be forwarded unchanged
   * @returns nothing if no retry queue accepted it
   */
  public postpone(envelope: Envelope, body?: string): Promise<Delivered | undefined> {
    const { retryQueues } = this;
    const delaying = retryQueues.filter(canDelay);
    return this.store(delaying.length > 0 ? delaying : retryQueues, envelope, body);
  }

  /**
   * Replaces a message that its source would soon dead-letter by a new message with the same envelope. The retry queues are tried first:
   * most of them delay it until its `notBefore`.
   *
   * @param body the message, which is forwarded unchanged
   * @returns nothing if no queue accepted it
   */
  public async renew(envelope: Envelope, body: string): Promise<Delivered | undefined> {
    return (await this.postpone(envelope, body)) ?? this.dispatch({ envelope, body });
  }

  private async store(
    queues: readonly Transport[],
    envelope: Envelope,
    body: string | undefined,
  ): Promise<Delivered | undefined> {
    for (const transport of this.inOrder(queues)) {
      const delays = canDelay(transport);
      if (envelope.timeout && !delays) continue;
      const stored = delays ? envelope : { ...envelope, notBefore: undefined };
      const delivered = await this.sendTo(transport, { envelope: stored, body: body ?? encodeEnvelope(stored) });
      if (delivered) return delivered;
    }
    return undefined;
  }

  /**
   * Writes a checkpoint into the journal.
   *
   * @throws if it was not written
   */
  public async record(checkpoint: Checkpoint): Promise<void> {
    const { error } = await this.checkpoints.add(checkpoint);
    if (error) throw error;
  }
}

function canDelay({ longestDelay = 0 }: Transport): boolean {
  return longestDelay > 0;
}
