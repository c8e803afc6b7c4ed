import { Batcher, Rendezvous } from './batcher';
import { CircuitBreaker } from './circuit-breaker';
import { encodeEnvelope } from './codec';
import type { Envelope } from './envelope';
import { asError } from './errors';
import type { Checkpoint, Clock, Dispatch, Ports, Sent, Transport } from './ports';

/** More than the fields of a checkpoint, a failure or a retry take, which are all of bounded size. */
const CHECKPOINT_OVERHEAD_BYTES = 4096;

/** Where an envelope was put, and what came with it. */
export interface Delivered {
  readonly place: Extract<Sent, { ok: true }>['place'];
  readonly journaled: boolean;
}

/** The circuit breakers of a workflow's transports, kept from one invocation to the next. */
export class CircuitBreakers {
  private readonly breakers = new Map<Transport, CircuitBreaker>();

  constructor(private readonly clock: Clock) {}

  public of(transport: Transport): CircuitBreaker {
    const breaker = this.breakers.get(transport) ?? new CircuitBreaker(this.clock);
    this.breakers.set(transport, breaker);
    return breaker;
  }
}

/** All that one invocation sends: envelopes and checkpoints, in batches, with failover entry by entry. */
export class Outbox {
  /** Most bytes of an envelope that a step may make. */
  public readonly maxEnvelopeBytes: number;
  private readonly transports = new Map<Transport, Batcher<Dispatch, Sent>>();
  /** Errors that were logged: one that fails a whole request would be told for each of its entries. */
  private readonly logged = new WeakSet<Error>();
  private readonly checkpoints: Batcher<Checkpoint, { readonly error: Error | undefined }>;

  constructor(private readonly ports: Ports, rendezvous: Rendezvous, linger: number, private readonly breakers: CircuitBreakers) {
    for (const transport of [...ports.eventSources, ...ports.retryQueues]) {
      this.transports.set(transport, new Batcher({
        maxEntries: transport.maxBatchEntries,
        maxBytes: transport.maxBatchBytes,
        bytesOf: (dispatch) => Buffer.byteLength(dispatch.body) + (dispatch.checkpoint ? CHECKPOINT_OVERHEAD_BYTES : 0),
        send: (dispatches) => this.request(transport, dispatches),
      }, rendezvous, ports.clock, linger));
    }
    this.checkpoints = new Batcher({
      maxEntries: ports.journal.maxBatchEntries,
      maxBytes: Number.POSITIVE_INFINITY,
      bytesOf: () => 0,
      send: async (checkpoints) => (await ports.journal.write(checkpoints)).map((error) => ({ error })),
    }, rendezvous, ports.clock, linger);
    this.maxEnvelopeBytes = maxEnvelopeBytes(ports);
  }

  /**
   * Sends an envelope on: to the primary event source, else the failover, else the retry queues, which bring it round as well. One that is
   * taken to be down is asked last.
   *
   * @returns nothing when none of them took it
   */
  public async dispatch(dispatch: Dispatch): Promise<Delivered | undefined> {
    const { machine, state } = dispatch.envelope;
    const [primary] = this.ports.eventSources;
    for (const transport of this.inOrder([...this.ports.eventSources, ...this.ports.retryQueues])) {
      const delivered = await this.sendTo(transport, dispatch);
      if (delivered) {
        if (transport !== primary) this.ports.metrics.count('Failover', machine, state ?? undefined);
        return delivered;
      }
    }
    return undefined;
  }

  /**
   * Stores an envelope until its `notBefore`. A queue that cannot hold it back gets it without, or it would go round in circles; but never
   * a timeout, which must not come before its time.
   *
   * @param body the envelope as text, where it must go on as it came
   * @returns nothing when no retry queue took it
   */
  public schedule(envelope: Envelope, body?: string): Promise<Delivered | undefined> {
    return this.store(this.ports.retryQueues, envelope, body);
  }

  /**
   * The same for what must wait, however often it comes round before its time: queues that can hold it back come first, or it would go
   * round as fast as it can.
   */
  public postpone(envelope: Envelope, body?: string): Promise<Delivered | undefined> {
    const { retryQueues } = this.ports;
    const holding = retryQueues.filter(({ longestDelay }) => longestDelay > 0);
    return this.store([...holding, ...retryQueues.filter((queue) => !holding.includes(queue))], envelope, body);
  }

  private async store(queues: readonly Transport[], envelope: Envelope, body: string | undefined): Promise<Delivered | undefined> {
    for (const transport of this.inOrder(queues)) {
      const canWait = transport.longestDelay > 0;
      if (envelope.timeout && !canWait) continue;
      const held = canWait ? envelope : { ...envelope, notBefore: undefined };
      const delivered = await this.sendTo(transport, { envelope: held, body: body ?? encodeEnvelope(held) });
      if (delivered) return delivered;
    }
    return undefined;
  }

  /** @throws when the checkpoint was not written */
  public async record(checkpoint: Checkpoint): Promise<void> {
    const { error } = await this.checkpoints.add(checkpoint);
    if (error) throw error;
  }

  /** In order of preference, but those behind an open circuit at the end. */
  private inOrder(transports: readonly Transport[]): readonly Transport[] {
    if (transports.length < 2) return transports;
    const down = new Set(transports.filter((transport) => !this.breakers.of(transport).admits()));
    return [...transports.filter((transport) => !down.has(transport)), ...down];
  }

  private async request(transport: Transport, dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    const breaker = this.breakers.of(transport);
    try {
      const sent = await transport.send(dispatches);
      breaker.report(sent.some(({ ok }) => ok));
      return sent;
    } catch (thrown) {
      breaker.report(false);
      throw thrown;
    }
  }

  private async sendTo(transport: Transport, dispatch: Dispatch): Promise<Delivered | undefined> {
    let sent: Sent;
    try {
      sent = await this.batcherOf(transport).add(dispatch);
    } catch (thrown) {
      sent = { ok: false, error: asError(thrown) };
    }
    if (sent.ok) return sent;
    const { machine, state, executionId, step } = dispatch.envelope;
    this.ports.metrics.count('DispatchFailure', machine, state ?? undefined);
    if (!this.logged.has(sent.error)) {
      this.logged.add(sent.error);
      this.ports.logger.warn(`${transport.name} did not take an envelope: ${sent.error.message}`, { executionId, step });
    }
    return undefined;
  }

  private batcherOf(transport: Transport): Batcher<Dispatch, Sent> {
    const batcher = this.transports.get(transport);
    if (!batcher) throw new Error(`The transport ${transport.name} is not one of the workflow's.`);
    return batcher;
  }
}

type Carriers = Pick<Ports, 'eventSources' | 'retryQueues' | 'journal'>;

/** What the smallest service takes that may have to carry an envelope or to keep its context. */
export function maxBodyBytes({ eventSources, retryQueues, journal }: Carriers): number {
  return Math.min(journal.maxEntryBytes, ...[...eventSources, ...retryQueues].map((transport) => transport.maxBodyBytes));
}

/** The same, less what a retry, a `catch` transition and the checkpoint add to an envelope. */
export function maxEnvelopeBytes(ports: Carriers): number {
  return maxBodyBytes(ports) - CHECKPOINT_OVERHEAD_BYTES;
}
