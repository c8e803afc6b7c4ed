import type { Step } from '../machine';
import { Attempt } from './attempt';
import { fullJitter } from './backoff';
import type { Decoded } from './codec';
import { ENVELOPE_VERSION, type Envelope } from './envelope';
import { asError, InvocationDiedError } from './errors';
import { failureOf } from './failure';
import { judge } from './judge';
import { attemptOf, hasEnded, type AcquireRequest, type Acquisition, type Lease, type Lock, type Outcome, type Random } from './ports';
import type { Surroundings } from './surroundings';

/** An envelope may run this much before its time: clocks differ, and services round delays to seconds. */
const EARLY = 1_000;

/** The longest backoff and the longest timeout, in milliseconds, with a day for clocks that are wrong. */
const LONGEST_DELAY = 366 * 86_400_000;

/** What the ids of the mails begin with that timeouts bring. Those of others cannot begin with `$`. */
const TIMEOUT_MAIL = '$timeout/';

/** An execution that waits for others to end comes again within such a time, in milliseconds. */
const SHORTEST_TURN = 10_000;
const LONGEST_TURN = 60_000;

/** An envelope that only a newer runtime can run waits for it no longer than this at a time, in milliseconds. */
const LONGEST_PAUSE = 15 * 60_000;

/** And no longer than this in all, which is as long as a queue keeps a message. */
const LONGEST_WAIT = 14 * 86_400_000;

/**
 * One delivery on its way to a lease: who may not run is told apart here, from the lock that stands in the way. A method that throws
 * leaves the delivery to its source.
 */
export class Admission {
  constructor(private readonly around: Surroundings) {}

  public async run(decoded: Decoded): Promise<Outcome> {
    if ('problems' in decoded) {
      await this.around.bury(`The message is no envelope: ${decoded.problems.join('; ')}.`);
      return 'acknowledge';
    }
    const { envelope } = decoded;
    const { ports: { clock }, deadline } = this.around;
    if (deadline.signal.aborted) return 'redeliver';
    const now = clock.now();
    if (envelope.version > ENVELOPE_VERSION) return this.leaveToNewer(envelope, now);
    if (envelope.notBefore !== undefined && envelope.notBefore > now + LONGEST_DELAY) {
      await this.around.bury('The envelope is to wait for more than a year, which no machine can ask for.', envelope);
      return 'acknowledge';
    }
    if (envelope.notBefore !== undefined && envelope.notBefore > now + EARLY) {
      // As it came, with its time, also through a queue that cannot hold it back: before that an action may still be running.
      return this.postpone(envelope, envelope.notBefore, this.around.delivery.body);
    }
    if (envelope.timeout) return this.endWait(envelope, now);
    // Its sender, whoever ended it, the store that forgets it and this invocation each have a clock of their own.
    const { remembered, clockSkew } = this.around.options;
    if (envelope.step === 0 && envelope.sentAt < now - remembered + 2 * clockSkew) {
      await this.around.bury('The start is older than the time for which ended executions are remembered, so it may have run already.', envelope);
      return 'acknowledge';
    }
    return this.acquire(envelope, now);
  }

  /**
   * The time of a parked state is over. The event goes into the mailbox like that of any sender, and not straight into a step: all who may
   * wake the execution at this moment take the same mail, so that every attempt at the step that follows is about the same event.
   *
   *     parker  ── stores the timeout ── commit(parked) ── looks into the mailbox
   *     timeout                                                                     ── finds the park ── puts the mail ── wakes
   *
   * A cancellation ends the wait in this way, too: it has no right to stop the task that the execution was waiting for.
   */
  private async endWait(envelope: Envelope, now: number): Promise<Outcome> {
    const { ports: { locks, mailbox, random }, options } = this.around;
    const { executionId, event, parent } = envelope;
    const step = envelope.step - 1;
    let lock: Lock | undefined;
    try {
      lock = await locks.read(executionId);
    } catch (thrown) {
      return this.withoutLocks(envelope, asError(thrown));
    }
    if (lock?.step === step && lock.fence === parent && !lock.done) {
      // The parker has not committed yet, or never will: then the next attempt has a fence of its own.
      return this.postpone(envelope, soon(now, random));
    }
    // Something else has ended the wait.
    if (lock?.status === 'cancelled') await this.around.stopTask(envelope);
    // It may have come before and have put its event into the mailbox, if the execution has ended since it was due.
    const due = (envelope.notBefore ?? Number.POSITIVE_INFINITY) - EARLY - options.clockSkew;
    if (hasEnded(lock) && lock.updatedAt > due) await this.around.forgetMailbox(executionId);
    if (lock?.step !== step || lock.fence !== parent || lock.status !== 'parked') return 'acknowledge';
    await mailbox.put(executionId, { id: `${TIMEOUT_MAIL}${step}`, event, step });
    this.around.count('Timeout', envelope);
    await this.around.wake(executionId);
    return 'acknowledge';
  }

  // ---- acquire --------------------------------------------------------------------------------------------------------------

  private async acquire(envelope: Envelope, now: number): Promise<Outcome> {
    const { ports, invocation, options } = this.around;
    const plan = this.around.definitions.plan(envelope);
    if (plan instanceof Error && this.around.definitions.isForeign(envelope) && Math.abs(now - envelope.sentAt) < options.rollover) {
      // A deployment may be under way, whose newer function knows it.
      return this.postpone(envelope, soon(now, ports.random));
    }
    const request: AcquireRequest = {
      executionId: envelope.executionId,
      machine: envelope.machine,
      step: envelope.step,
      parent: envelope.parent,
      state: plan instanceof Error ? envelope.state ?? '' : plan.target.name,
      holder: ports.random.id(),
      now,
      expires: invocation.deadline + options.clockSkew,
      place: this.around.delivery.place,
    };
    let answer: Acquisition | undefined;
    try {
      const admitted = await this.around.limits.admits(envelope, request.expires);
      answer = admitted ? await ports.locks.acquire(request) : undefined;
    } catch (thrown) {
      return this.withoutLocks(envelope, asError(thrown));
    }
    if (!answer) return this.delay(envelope, now);
    if (!answer.acquired) return this.refused(envelope, request, answer.lock);
    const { executionId, step, fence, parent, released } = answer.lock;
    const lease: Lease = { executionId, step, parent, fence, expires: request.expires };
    // What was to wait is not late before its time. Clocks differ, but nothing comes before it was sent.
    const age = Math.max(0, now - Math.max(envelope.sentAt, envelope.notBefore ?? 0));
    this.around.measure('EnvelopeAge', age, envelope, request.state);
    const span = ports.tracer?.begin({ envelope, state: request.state, attempt: attemptOf(lease) });
    const attempt = new Attempt(this.around, { envelope, lease, startedAt: now, trace: span?.trace });
    // Attempts that neither succeeded nor gave their lease up: their invocations died in the middle.
    const died = attemptOf({ fence, parent: Math.max(parent, released) });
    const tidied = [
      ...envelope.abandonsTask ? [this.around.stopTask(envelope)] : [],
      // Those before it were let go by those that followed them.
      ...died > 0 ? [this.around.forgetAttempt({ ...lease, fence: fence - 1 })] : [],
    ];
    try {
      const outcome = await this.attempt(attempt, plan, lease, died);
      span?.end(attempt.error);
      return outcome;
    } catch (thrown) {
      span?.end(attempt.error ?? asError(thrown).name);
      throw thrown;
    } finally {
      await Promise.all(tidied);
    }
  }

  private attempt(attempt: Attempt, plan: Step | Error, lease: Lease, died: number): Promise<Outcome> {
    if (plan instanceof Error) return attempt.failForGood(failureOf(plan, attempt.source, lease), []);
    if (died > plan.target.maxRetries) {
      const error = new InvocationDiedError(plan.target.name, died);
      return attempt.exhausted(plan.target, failureOf(error, plan.target.name, lease), []);
    }
    return attempt.execute(plan);
  }

  private async refused(envelope: Envelope, request: AcquireRequest, lock: Lock | undefined): Promise<Outcome> {
    const verdict = judge(request, lock);
    if (lock && (hasEnded(lock) || lock.status === 'failed')) await this.around.limits.leave(envelope, lock.fence);
    // Whoever has ended it may have died before it let the mailbox go; what tried this before may have made the secret of a token since.
    if (hasEnded(lock)) await this.around.forgetMailbox(envelope.executionId);
    switch (verdict.kind) {
      case 'busy':
        this.around.count('Busy', envelope);
        // Not a copy in the retry queue if the source can keep it: whoever stores a copy and dies gets the original again, and stores
        // another.
        return this.around.delivery.blocking ? this.postpone(envelope, verdict.until) : 'redeliver';
      case 'parked':
        this.around.count('Duplicate', envelope);
        await this.around.wake(envelope.executionId);
        return 'acknowledge';
      case 'duplicate':
        this.around.count('Duplicate', envelope);
        return 'acknowledge';
      case 'orphan':
        this.around.count('Orphan', envelope);
        return 'acknowledge';
      case 'unknown':
        await this.around.bury(`The envelope belongs to no known execution: it is for ${verdict.reason}.`, envelope);
        return 'acknowledge';
    }
  }

  /**
   * An envelope of a newer version is for the newer function that is being deployed, or that was taken back. What it means is unknown here,
   * so it goes on as it came, byte by byte.
   *
   *     old function ── gets version 2 ── back to the queue, or into the retry queue … again, ever more seldom …
   *     new function        … is deployed …                                                     ── gets version 2 ── runs it
   *
   * A source that delivers nothing behind it gets it off its hands.
   */
  private async leaveToNewer(envelope: Envelope, now: number): Promise<Outcome> {
    const { outbox, ports, delivery } = this.around;
    const age = Math.abs(now - envelope.sentAt);
    const what = `The envelope is of version ${envelope.version}, and this runtime runs version ${ENVELOPE_VERSION}.`;
    if (age > LONGEST_WAIT) {
      await this.around.bury(`${what} No newer one has come for it in 14 days: deploy the newer version of the library and send the message again.`, envelope);
      return 'acknowledge';
    }
    this.around.count('Redelivery', envelope);
    this.around.logger(envelope).warn(`${what} It waits for a newer one.`);
    if (!delivery.blocking) return 'redeliver';
    const notBefore = now + EARLY + Math.round(Math.min(age, LONGEST_PAUSE) * ports.random.next());
    if (!await outbox.postpone({ ...envelope, notBefore }, delivery.body)) throw new Error('No retry queue took an envelope that is left to a newer runtime.');
    return 'acknowledge';
  }

  // ---- giving back ----------------------------------------------------------------------------------------------------------

  /** The machine has as many executions under way as it may. Those that wait come again at random, the more seldom the longer they wait. */
  private async delay(envelope: Envelope, now: number): Promise<Outcome> {
    this.around.count('Delayed', envelope);
    const waited = Math.min(Math.max(now - envelope.sentAt, SHORTEST_TURN), LONGEST_TURN);
    return this.postpone(envelope, now + EARLY + Math.round(waited * this.around.ports.random.next()));
  }

  /**
   * Brings the same attempt back at that time.
   *
   * @param body the envelope as text, where it must go on as it came
   */
  private async postpone(envelope: Envelope, notBefore: number, body?: string): Promise<Outcome> {
    const delivered = await this.around.outbox.postpone({ ...envelope, notBefore }, body);
    if (!delivered) throw new Error('No retry queue took an envelope that must wait.');
    return 'acknowledge';
  }

  private withoutLocks(envelope: Envelope, error: Error): Promise<Outcome> {
    this.around.count('LockFailure', envelope);
    this.around.logger(envelope).warn(`The lock store did not answer: ${error.message}`);
    return this.giveBack(envelope);
  }

  /**
   * Nothing is known and nothing was done. A source that would block everything behind the record gets it off its hands, if that is
   * possible.
   */
  private async giveBack(envelope: Envelope): Promise<Outcome> {
    const { ports } = this.around;
    if (!this.around.delivery.blocking) {
      this.around.count('Redelivery', envelope);
      return 'redeliver';
    }
    return this.postpone(envelope, soon(ports.clock.now(), ports.random));
  }
}

/** In some seconds, and not all at once. */
function soon(now: number, random: Random): number {
  return now + EARLY + fullJitter({ baseSeconds: 10, capSeconds: 10 }, 0, random);
}
