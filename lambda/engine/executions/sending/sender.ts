import { SendWindow } from './send-window';
import { FsmError } from '../../../machine/fsm-error';
import { toError } from '../../../machine/to-error';
import { IdleTracker } from '../../dispatch/batcher';
import { CircuitBreakers, EnvelopeSender, maxEnvelopeBytes, type Refusal } from '../../dispatch/envelope-sender';
import { encodeEnvelope } from '../../envelope/codec';
import type { Envelope } from '../../envelope/envelope';
import { NotDispatchedError } from '../../errors';
import type { ClientPorts, OutgoingEnvelope } from '../../ports';
import { fullJitter } from '../../retries/backoff';

/**
 * How long an envelope waits for a full request, in milliseconds: the starts of a call are recorded one by one, and some records take longer
 * than others.
 */
const LINGER_MS = 20;

/** The pauses of an envelope that an event source throttles. */
const THROTTLING_BACKOFF = { baseSeconds: 0.1, capSeconds: 5 };

/** How long a call retries throttled envelopes while none of its envelopes is accepted, in milliseconds. */
const PATIENCE_MS = 10_000;

/** An envelope to send, and its name in the message of an error. */
interface Sendable {
  readonly outgoing: OutgoingEnvelope;
  readonly what: string;
  /**
   * Runs right before the envelope is sent, within the limits of the call.
   *
   * @returns the envelope to send in its place, or nothing if none is to be sent
   */
  readonly prepare?: () => Promise<OutgoingEnvelope | undefined>;
}

/**
 * Sends the envelopes of a client to the event sources of the workflow. It never uses retry queues: clients need no permission to write to
 * them.
 *
 * The envelopes of one call pass these stages:
 *
 *     window ──────────▶ record ─────────▶ batch ───────────────▶ request ───────▶ answer
 *     until a whole      one write to      until it is full, or   at most 50 of    accepted: widens the window
 *     request has room   the lock store    all others wait, or    an AWS client    refused: the error of this envelope
 *                                          20 ms are over                          throttled: narrows the window
 *                                            ▲                                                │
 *                                            └── pause of up to 5 s ── accepted any in 10 s? ─┴─ no: the error of this envelope
 *
 * - The window ({@link SendWindow}) bounds the memory and the requests of a call. It opens for whole requests, because the envelopes of a
 *   narrow opening would leave in requests of their own.
 * - The batch ({@link EnvelopeSender}) coalesces the envelopes of one call. It is sent as soon as nothing else can join it. Therefore, a call
 *   that waits for the window, and an envelope that pauses, do not count as running work ({@link IdleTracker}).
 * - The patience belongs to the call: as long as the service accepts some envelopes, the others are worth another attempt. Once it is over,
 *   the rest of the list fails without a request.
 *
 * Events have no window. Each is a few requests for one mailbox, so a client runs 20 at once ({@link InFlight}), and the mailbox repeats
 * throttled writes for 20 seconds.
 */
export class Sender {
  /** Maximum bytes of an envelope that the workflow carries. */
  public readonly maxEnvelopeBytes: number;
  private readonly breakers: CircuitBreakers;

  constructor(private readonly ports: ClientPorts) {
    this.maxEnvelopeBytes = maxEnvelopeBytes(ports);
    this.breakers = new CircuitBreakers(ports.clock);
  }

  /**
   * Sends one envelope.
   *
   * @param what names the envelope in the message of the error
   * @throws NotDispatchedError if no event source accepted it
   */
  public async send(outgoing: OutgoingEnvelope, what: string): Promise<void> {
    const [error] = await this.sendAll(1, () => ({ outgoing, what }));
    if (error) throw error;
  }

  /**
   * Sends many envelopes, in as few requests as the event source allows. Bounds the requests and the envelopes in flight, and retries an
   * envelope that is throttled as long as the call makes progress.
   *
   * @param make makes the envelope with an index, in order, when there is room for it; an error that it throws is the error of that envelope
   * @returns for each envelope `undefined`, or why it was not sent
   */
  public async sendAll(count: number, make: (index: number) => Sendable): Promise<readonly (Error | undefined)[]> {
    const idle = new IdleTracker();
    const sender = new EnvelopeSender(this.ports.eventSources, this.ports, idle, LINGER_MS, this.breakers);
    const call = new SendCall(this.ports, sender, idle);
    const errors = new Array<Error | undefined>(count).fill(undefined);
    await idle.work(async () => {
      for (let index = 0; index < count; index += 1) {
        try {
          await call.begin(make(index), (error) => (errors[index] = error));
        } catch (thrown) {
          errors[index] = toError(thrown);
        }
      }
    });
    await call.end();
    return errors;
  }
}

/** One call of {@link Sender.sendAll}. */
class SendCall {
  private readonly window = new SendWindow();
  private acceptedAt: number;
  private latestRefusals: readonly Refusal[] = [];

  constructor(
    private readonly ports: ClientPorts,
    private readonly sender: EnvelopeSender,
    private readonly idle: IdleTracker,
  ) {
    this.acceptedAt = ports.clock.now();
  }

  /** Begins to send an envelope as soon as the window has room for it. */
  public async begin(sendable: Sendable, onError: (error: Error) => void): Promise<void> {
    const share = this.shareOf(sendable.outgoing);
    if (!this.window.hasRoom(share)) {
      this.idle.pause();
      await this.window.room();
      this.idle.resume(1);
    }
    // Nothing was accepted for so long that the rest of a long list would only take more time.
    if (this.latestRefusals.length > 0 && !this.isPatient()) {
      throw new NotDispatchedError(sendable.what, this.latestRefusals);
    }
    this.window.enter(share);
    void this.idle
      .work(() => this.deliver(sendable, share))
      .catch((thrown: unknown) => onError(toError(thrown)))
      .finally(() => this.window.leave(share));
  }

  /** Resolves when every envelope was accepted or refused. */
  public end(): Promise<void> {
    return this.window.empty();
  }

  /** @throws NotDispatchedError if no event source accepted the envelope */
  private async deliver({ outgoing: made, what, prepare }: Sendable, share: number): Promise<void> {
    const { clock, random } = this.ports;
    const outgoing = prepare ? await prepare() : made;
    if (!outgoing) return;
    for (let attempt = 0; ; attempt += 1) {
      const refusals: Refusal[] = [];
      if (await this.sender.dispatch(outgoing, (refusal) => refusals.push(refusal))) {
        this.acceptedAt = clock.now();
        this.latestRefusals = [];
        this.window.widen(share);
        return;
      }
      this.latestRefusals = refusals;
      if (!refusals.some(isTemporary) || !this.isPatient()) throw new NotDispatchedError(what, refusals);
      this.window.narrow(clock.now());
      this.idle.pause();
      await clock.sleep(fullJitter(THROTTLING_BACKOFF, attempt, random));
      this.idle.resume(1);
    }
  }

  private isPatient(): boolean {
    return this.ports.clock.now() < this.acceptedAt + PATIENCE_MS;
  }

  /** The part of a request to the primary event source that an envelope fills. */
  private shareOf({ body }: OutgoingEnvelope): number {
    const [primary] = this.ports.eventSources;
    if (!primary) return 1;
    return Math.max(1 / primary.maxBatchEntries, Buffer.byteLength(body) / primary.maxBatchBytes);
  }
}

/** Whether the event source refused the envelope for now, for example because of its rate. An outage is not: it lasts longer. */
function isTemporary({ error }: Refusal): boolean {
  return error instanceof FsmError && error.retryable;
}

/** An envelope with its text, ready to be sent. */
export function encode(envelope: Envelope): OutgoingEnvelope {
  return { envelope, body: encodeEnvelope(envelope) };
}
