import { Batcher, type IdleTracker } from './batcher';
import { contentRefusal } from './content-refusal';
import {
  EnvelopeSender,
  maxEnvelopeBytes,
  type CircuitBreakers,
  type Delivered,
  type Refusal,
} from './envelope-sender';
import { toError } from '../../machine/to-error';
import { encodeEnvelope } from '../envelope/codec';
import type { Envelope } from '../envelope/envelope';
import { ContentRefusedError } from '../errors';
import type { Checkpoint, OutgoingEnvelope, Ports, Transport } from '../ports';

/** The ports that a dispatcher uses. */
type DispatcherPorts = Pick<
  Ports,
  'eventSources' | 'retryQueues' | 'journal' | 'metrics' | 'clock' | 'logger' | 'refusesContent'
>;

/** Sends the envelopes and checkpoints of one invocation, in batches, with failover for each entry. */
export class Dispatcher extends EnvelopeSender {
  /** Maximum bytes of an envelope that a step may produce. */
  public readonly maxEnvelopeBytes: number;
  private readonly retryQueues: readonly Transport[];
  /** See {@link Ports.refusesContent}. */
  public readonly refusesContent: Ports['refusesContent'];
  private readonly checkpoints: Batcher<Checkpoint, { readonly error: Error | undefined }>;

  constructor(ports: DispatcherPorts, idle: IdleTracker, lingerMs: number, breakers: CircuitBreakers) {
    super([...ports.eventSources, ...ports.retryQueues], ports, idle, lingerMs, breakers);
    this.retryQueues = ports.retryQueues;
    this.refusesContent = ports.refusesContent?.bind(ports);
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

  /** @throws ContentRefusedError if every transport refuses its content for good */
  public override dispatch(outgoing: OutgoingEnvelope): Promise<Delivered | undefined> {
    return this.unlessRefused((onRefusal) => super.dispatch(outgoing, onRefusal));
  }

  /**
   * Stores an envelope in a retry queue until its `notBefore`. For a queue that cannot delay, `notBefore` is removed: the envelope would
   * otherwise circulate until that time. Such a queue never gets a timeout, which must not arrive early.
   *
   * @param body the message, if it must be forwarded unchanged
   * @returns nothing if no retry queue accepted it
   * @throws ContentRefusedError if every retry queue refuses its content for good
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
   * @throws ContentRefusedError if every such queue refuses its content for good
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
    const nothing = (thrown: unknown): undefined => {
      if (!(thrown instanceof ContentRefusedError)) throw thrown;
    };
    return (await this.postpone(envelope, body).catch(nothing)) ?? this.dispatch({ envelope, body }).catch(nothing);
  }

  private store(
    queues: readonly Transport[],
    envelope: Envelope,
    body: string | undefined,
  ): Promise<Delivered | undefined> {
    return this.unlessRefused(async (onRefusal) => {
      for (const transport of this.inOrder(queues)) {
        const delays = canDelay(transport);
        if (envelope.timeout && !delays) continue;
        const stored = delays ? envelope : { ...envelope, notBefore: undefined };
        const outgoing = { envelope: stored, body: body ?? encodeEnvelope(stored) };
        const delivered = await this.sendTo(transport, outgoing, onRefusal);
        if (delivered) return delivered;
      }
      return undefined;
    });
  }

  /** @throws ContentRefusedError if each transport that `send` tries refuses the content for good */
  private async unlessRefused(
    send: (onRefusal: (refusal: Refusal) => void) => Promise<Delivered | undefined>,
  ): Promise<Delivered | undefined> {
    const errors: Error[] = [];
    const delivered = await send(({ error }) => errors.push(error));
    const refusal = delivered ? undefined : contentRefusal(this, 'the envelope', errors);
    if (refusal) throw refusal;
    return delivered;
  }

  /**
   * Writes a checkpoint into the journal.
   *
   * @throws ContentRefusedError if the journal refuses its content for good
   * @throws if it was not written
   */
  public async record(checkpoint: Checkpoint): Promise<void> {
    const { error } = await this.checkpoints.add(checkpoint).catch((thrown: unknown) => ({ error: toError(thrown) }));
    if (error) throw contentRefusal(this, 'the journal entry', [error]) ?? error;
  }
}

function canDelay({ longestDelay = 0 }: Transport): boolean {
  return longestDelay > 0;
}
