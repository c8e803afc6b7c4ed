import { Batcher, type IdleTracker } from './batcher';
import { CircuitBreaker } from './circuit-breaker';
import { toError } from '../../machine/to-error';
import { ENTRY_BYTES, GROWTH_BYTES, MAIL_BYTES } from '../envelope/limits';
import type { ClientPorts, Clock, OutgoingEnvelope, DispatchResult, Ports, Transport } from '../ports';

/** An envelope that a transport has accepted. */
export interface Delivered {
  readonly place: Extract<DispatchResult, { ok: true }>['place'];
  /** The transport has also written the checkpoint. */
  readonly journaled: boolean;
}

/** Why a transport did not accept an envelope. */
export interface Refusal {
  readonly transport: string;
  readonly error: Error;
}

/** The circuit breakers of a workflow's transports. They outlive an invocation. */
export class CircuitBreakers {
  private readonly breakers = new Map<Transport, CircuitBreaker>();

  constructor(private readonly clock: Clock) {}

  public of(transport: Transport): CircuitBreaker {
    const breaker = this.breakers.get(transport) ?? new CircuitBreaker(this.clock);
    this.breakers.set(transport, breaker);
    return breaker;
  }
}

/** Sends envelopes in batches, with failover for each of them. */
export class EnvelopeSender {
  private readonly batchers = new Map<Transport, Batcher<OutgoingEnvelope, DispatchResult>>();
  /** Messages that are already in the log: a throttled service answers each of many entries with the same one. */
  private readonly logged = new Set<string>();

  /** @param transports in order of preference */
  constructor(
    private readonly transports: readonly Transport[],
    private readonly ports: Pick<Ports, 'metrics' | 'clock' | 'logger' | 'refusesContent'>,
    idle: IdleTracker,
    lingerMs: number,
    private readonly breakers: CircuitBreakers,
  ) {
    for (const transport of transports) {
      this.batchers.set(
        transport,
        new Batcher(
          {
            maxEntries: transport.maxBatchEntries,
            maxBytes: transport.maxBatchBytes,
            bytesOf: (dispatch) => Buffer.byteLength(dispatch.body) + (dispatch.checkpoint ? ENTRY_BYTES : 0),
            send: (dispatches) => this.request(transport, dispatches),
          },
          idle,
          ports.clock,
          lingerMs,
        ),
      );
    }
  }

  /**
   * Sends an envelope to the first transport that accepts it: the primary event source, otherwise the failover, otherwise a retry queue, which
   * delivers it as well. Transports with an open circuit are tried last.
   *
   * @param onRefusal receives the error of each transport that did not accept it
   * @returns nothing if no transport accepted it
   */
  public async dispatch(
    dispatch: OutgoingEnvelope,
    onRefusal?: (refusal: Refusal) => void,
  ): Promise<Delivered | undefined> {
    const { machine, state } = dispatch.envelope;
    const [primary] = this.transports;
    for (const transport of this.inOrder(this.transports)) {
      const delivered = await this.sendTo(transport, dispatch, onRefusal);
      if (delivered) {
        if (transport !== primary) this.ports.metrics.count('Failover', machine, state ?? undefined);
        return delivered;
      }
    }
    return undefined;
  }

  /** Returns the transports in order of preference, those with an open circuit last. */
  protected inOrder(transports: readonly Transport[]): readonly Transport[] {
    if (transports.length < 2) return transports;
    const down = new Set(transports.filter((transport) => !this.breakers.of(transport).admits()));
    return [...transports.filter((transport) => !down.has(transport)), ...down];
  }

  private async request(
    transport: Transport,
    dispatches: readonly OutgoingEnvelope[],
  ): Promise<readonly DispatchResult[]> {
    const breaker = this.breakers.of(transport);
    try {
      const sent = await transport.send(dispatches);
      // A service that refuses content is up.
      breaker.report(sent.some((result) => result.ok || this.ports.refusesContent?.(result.error)));
      return sent;
    } catch (thrown) {
      breaker.report(this.ports.refusesContent?.(toError(thrown)) ?? false);
      throw thrown;
    }
  }

  protected async sendTo(
    transport: Transport,
    dispatch: OutgoingEnvelope,
    onRefusal?: (refusal: Refusal) => void,
  ): Promise<Delivered | undefined> {
    let sent: DispatchResult;
    try {
      // Each transport of this sender has a batcher.
      sent = await this.batchers.get(transport)!.add(dispatch);
    } catch (thrown) {
      sent = { ok: false, error: toError(thrown) };
    }
    if (sent.ok) return sent;
    onRefusal?.({ transport: transport.name, error: sent.error });
    const { machine, state, executionId, step } = dispatch.envelope;
    this.ports.metrics.count('DispatchFailure', machine, state ?? undefined);
    const message = `${transport.name} did not accept an envelope: ${sent.error.message}`;
    if (!this.logged.has(message)) {
      this.logged.add(message);
      this.ports.logger.warn(message, { executionId, step });
    }
    return undefined;
  }
}

type Carriers = Pick<ClientPorts, 'eventSources' | 'retryQueues' | 'journal'>;

/** Returns the maximum bytes of a delivered envelope: the smallest service may have to carry it, and the journal to keep it. */
export function maxBodyBytes({ eventSources, retryQueues, journal }: Carriers): number {
  const bodies = [...eventSources, ...retryQueues].map((transport) => transport.maxBodyBytes);
  return Math.min(journal.maxEntryBytes, ...bodies) - ENTRY_BYTES;
}

/**
 * Returns the maximum bytes of an envelope that starts an execution or leads to its next step. It is the same for every step, so a context
 * that fits once can also be retried, caught, parked and woken with the largest data of an event.
 */
export function maxEnvelopeBytes(ports: Carriers): number {
  return maxBodyBytes(ports) - GROWTH_BYTES - MAIL_BYTES;
}
