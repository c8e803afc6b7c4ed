import { ADAPTER_MUTATIONS } from './adapter-mutations';
import type { PortsKind } from './setting';
import { UPGRADE_MUTATIONS } from './upgrade-mutations';

/** A realistic mistake in the protocol: a few words of one file that say something else. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** What stands in the file, exactly once. */
  readonly replace: string;
  readonly by: string;
  /**
   * With what ports it is looked for.
   *
   * @default - any; for one of the test kit's ports, these
   */
  readonly ports?: readonly PortsKind[];
}

const ATTEMPT = 'lambda/engine/attempt.ts';
const ADMISSION = 'lambda/engine/admission.ts';
const JUDGE = 'lambda/engine/judge.ts';
const LOCKS = 'lambda/testing/in-memory-lock-store.ts';
const OUTBOX = 'lambda/engine/outbox.ts';
const WAKE = 'lambda/engine/wake.ts';
const TIMER = 'lambda/engine/timer.ts';
const RUN_STEP = 'lambda/engine/run-step.ts';
const ENGINE = 'lambda/engine/engine.ts';
const LIMITS = 'lambda/engine/running-limits.ts';
const EXECUTIONS = 'lambda/engine/executions.ts';

/** Mistakes that the simulation must find, each within a bounded number of seeds. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a failed step is acknowledged though no retry was stored',
    file: ATTEMPT,
    replace: 'if (!delivered) throw new Error(\'No retry queue took the envelope of a failed step.\');',
    by: 'if (!delivered) return \'acknowledge\';',
  },
  {
    name: 'a postponed envelope is acknowledged though it was not stored',
    file: ADMISSION,
    replace: 'if (!delivered) throw new Error(\'No retry queue took an envelope that must wait.\');',
    by: '',
  },
  {
    name: 'a step is acknowledged though its successor was not sent',
    file: ATTEMPT,
    replace: 'throw new Error(\'Neither an event source nor a retry queue took the next envelope.\');',
    by: 'return \'acknowledge\';',
  },
  {
    name: 'the chain of fences is ignored: any attempt\'s envelope goes on',
    file: LOCKS,
    replace: 'lock.step === request.step - 1 && lock.fence === request.parent',
    by: 'lock.step === request.step - 1',
  },
  {
    name: 'the parent of a redelivery is ignored',
    file: LOCKS,
    replace: 'lock.step === request.step && lock.parent === request.parent && !lock.done',
    by: 'lock.step === request.step && !lock.done',
  },
  {
    name: 'a valid lease is ignored',
    file: LOCKS,
    replace: '!lock.done && lock.expires < request.now',
    by: '!lock.done',
  },
  {
    name: 'a step that is done is run again',
    file: LOCKS,
    replace: 'lock.parent === request.parent && !lock.done && lock',
    by: 'lock.parent === request.parent && lock',
  },
  {
    name: 'the fence does not grow with a retry',
    file: LOCKS,
    replace: 'fence: (lock?.fence ?? 0) + 1,',
    by: 'fence: lock?.step === step ? lock.fence : (lock?.fence ?? 0) + 1,',
  },
  {
    name: 'the final commit ignores the fence',
    file: LOCKS,
    replace: 'if (lock?.fence !== lease.fence || lock.released === lease.fence) {',
    by: 'if (!lock) {',
  },
  {
    name: 'a retry carries the context that the failed attempt has changed',
    file: ATTEMPT,
    replace: 'outbox.schedule({ ...pristine, attempt',
    by: 'outbox.schedule({ ...envelope, attempt',
  },
  {
    name: 'a catch transition carries the context of the failed attempt',
    file: ATTEMPT,
    replace: 'const { context } = this.pristine();',
    by: 'const { context } = this.held.envelope;',
  },
  {
    name: 'the lease of an action that overran its time is released',
    file: ATTEMPT,
    replace: 'if (!this.overrun) await this.around.release(this.held.lease);',
    by: 'await this.around.release(this.held.lease);',
  },
  {
    name: 'a catch transition does not wait for an action that overran its time',
    file: ATTEMPT,
    replace: 'const notBefore = this.overrun ? lease.expires : undefined;',
    by: 'const notBefore = undefined;',
  },
  {
    name: 'the end is committed before the context is in the journal, and acknowledged without it',
    file: ATTEMPT,
    replace: 'await outbox.record(checkpoint);\n      const committed',
    by: 'void outbox.record(checkpoint).catch(() => undefined);\n      const committed',
  },
  {
    name: 'a mailbox is not looked into after the park was committed',
    file: ATTEMPT,
    replace: 'await this.around.wakeParked(checkpoint);',
    by: '',
  },
  {
    name: 'a mailbox is looked into before the park is committed',
    file: ATTEMPT,
    replace: 'const committed = await this.recordAndCommit(checkpoint, \'parked\');',
    by: 'await this.around.wake(envelope.executionId);\n    this.around.wakeParked = async () => undefined;\n    const committed = await this.recordAndCommit(checkpoint, \'parked\');',
  },
  {
    name: 'a redelivered park does not look for a wake-up that was lost',
    file: ADMISSION,
    replace: 'await this.around.wake(envelope.executionId);',
    by: '',
  },
  {
    name: 'a wake-up that nobody took is forgotten',
    file: 'lambda/engine/surroundings.ts',
    replace: 'throw new Error(\'Neither an event source nor a retry queue took the envelope that wakes an execution.\');',
    by: 'return;',
  },
  {
    name: 'the event that woke a step is taken again at the next park',
    file: WAKE,
    replace: 'mailbox: take(position, mail.position, mails, step),',
    by: 'mailbox: position,',
  },
  {
    name: 'events that were overtaken are forgotten',
    file: 'lambda/engine/mailbox-position.ts',
    replace: 'deferred.push(overtaken);',
    by: '{ /* lost */ }',
  },
  {
    name: 'a step drops the position in the mailbox',
    file: ATTEMPT,
    replace: '      mailbox: envelope.mailbox,\n      trace',
    by: '      trace',
  },
  {
    name: 'a client looks at the lock before it puts the event',
    file: EXECUTIONS,
    replace: 'await this.ports.mailbox.put(executionId, { id, event, data: options.data });\n    const lock = await this.ports.locks.read(executionId);',
    by: 'const lock = await this.ports.locks.read(executionId);\n    await this.ports.mailbox.put(executionId, { id, event, data: options.data });',
  },
  {
    name: 'what is busy counts as a duplicate',
    file: JUDGE,
    replace: 'return { kind: \'busy\', until: lock.expires };',
    by: 'return { kind: \'duplicate\' };',
  },
  {
    name: 'what the lock store could not answer is acknowledged',
    file: ADMISSION,
    replace: 'return this.giveBack(envelope);',
    by: 'return \'acknowledge\';',
  },
  {
    name: 'a start is believed however old it is',
    file: ADMISSION,
    replace: 'if (envelope.step === 0 && envelope.sentAt <',
    by: 'if (envelope.step < 0 && envelope.sentAt <',
  },
  {
    name: 'a failed entry of a batch counts as sent',
    file: OUTBOX,
    replace: 'if (sent.ok) return sent;',
    by: 'if (!(\'call\' in (sent as unknown as { error: object }).error)) return sent;\n    if (!sent.ok) return { place: { service: transport.name, resource: \'\' }, journaled: false };',
  },
  {
    name: 'a due envelope is removed though no event source took it',
    file: TIMER,
    replace: 'await store.remove(sent);',
    by: 'await store.remove(ripe);',
  },
  {
    name: 'an error of one record acknowledges it',
    file: ENGINE,
    replace: 'return \'redeliver\';',
    by: 'return \'acknowledge\';',
  },
  {
    name: 'the attempts of one retry more are given up',
    file: ATTEMPT,
    replace: 'if (envelope.attempt >= state.maxRetries)',
    by: 'if (envelope.attempt >= state.maxRetries - 1)',
  },
  {
    name: 'the exit action is skipped in a catch transition',
    file: 'lambda/machine/transition.ts',
    replace: 'if (left?.exit !== undefined) {',
    by: 'if (left?.exit !== undefined && event !== CATCH) {',
  },
  {
    name: 'a local transition forgets what the attempt has entered before',
    file: RUN_STEP,
    replace: 'if (!following.local) return',
    by: 'if (following.local) context.marks = [];\n    if (!following.local) return',
  },
  {
    name: 'an action runs after the next envelope was sent',
    file: ATTEMPT,
    replace: '    const woken = envelope.mail !== undefined;\n    const committed',
    by: '    const { machine } = this.around.definitions.of(this.held.envelope)!;\n    const exit = stateOf(machine, next.state!)?.exit;\n    if (exit) await this.around.actions(machine.name, exit)?.({ marks: [] }, { ...this.held.envelope, ...this.held.lease, state: next.state! } as never);\n    const woken = envelope.mail !== undefined;\n    const committed',
  },
  {
    name: 'the dead letter of a failed execution is not kept',
    file: ATTEMPT,
    replace: '      await this.around.bury(`${failure.name}: ${failure.message}`, envelope, `The step into state "${failure.state}" failed for good with ${failure.name}.`);',
    by: '',
  },
  {
    name: 'the log tells the message of an action\'s error',
    file: ATTEMPT,
    replace: 'failed with ${whereFrom(result.error)}.',
    by: 'failed with ${String(result.error)}.',
  },
  {
    name: 'what is no envelope stops its batch',
    file: ADMISSION,
    replace: 'return \'acknowledge\';\n    }\n    const { envelope } = decoded;',
    by: 'throw new Error(\'no envelope\');\n    }\n    const { envelope } = decoded;',
  },
  {
    name: 'a redrive sends the envelope before it opens the lock',
    file: EXECUTIONS,
    replace: 'if (lock.status === \'failed\' && !await locks.reopen(executionId, lock.fence, clock.now())) throw new NotFailedError(executionId, \'changing\');',
    by: '',
  },
  {
    name: 'an execution is resumed while it is running',
    file: EXECUTIONS,
    replace: 'if (lock.status !== \'running\' || lock.expires > clock.now()) return lock.status;',
    by: 'if (lock.status !== \'running\') return lock.status;',
  },
  {
    name: 'any token of the right form is taken for genuine',
    file: 'lambda/engine/callback.ts',
    replace: 'return timingSafeEqual(Buffer.from(seal), Buffer.from(sealOf(secret, executionId, step)));',
    by: 'return timingSafeEqual(Buffer.from(seal), Buffer.from(seal)) || sealOf(secret, executionId, step) === seal;',
  },
  {
    name: 'the seal of a callback token says nothing of its step',
    file: 'lambda/engine/callback.ts',
    replace: '.update(`${step}.${executionId}`)',
    by: '.update(executionId)',
  },
  {
    name: 'who wakes an execution names another fence than that of its park',
    file: WAKE,
    replace: 'parent: fence,',
    by: 'parent: fence - 1,',
  },
  {
    name: 'the event of a callback token is taken in another step, too',
    file: 'lambda/engine/mailbox-position.ts',
    replace: ' && (mail.step ?? step) === step);',
    by: ' && step >= 0);',
  },
  {
    name: 'a token is told to be spent while its step is waiting',
    file: EXECUTIONS,
    replace: 'before.step > step || hasEnded(before)',
    by: 'before.step >= step || hasEnded(before)',
  },
  {
    name: 'a cancellation leaves the fence as it is',
    file: LOCKS,
    replace: 'fence: lock.fence + 1, updatedAt: now',
    by: 'updatedAt: now',
  },
  {
    name: 'a timeout is applied although the execution has gone on',
    file: ADMISSION,
    replace: 'if (lock?.step !== step || lock.fence !== parent || lock.status !== \'parked\') return \'acknowledge\';\n    await mailbox.put(executionId, { id: `${TIMEOUT_MAIL}${step}`, event, step });',
    by: 'await mailbox.put(executionId, { id: `${TIMEOUT_MAIL}${step}`, event });',
  },
  {
    name: 'a timeout that comes before the park is committed is forgotten',
    file: ADMISSION,
    replace: 'return this.postpone(envelope, soon(now, random));\n    }\n    // Something',
    by: 'return \'acknowledge\';\n    }\n    // Something',
  },
  {
    name: 'a timeout is stored where nothing can hold it back',
    file: OUTBOX,
    replace: 'if (envelope.timeout && !canWait) continue;',
    by: '',
  },
  {
    name: 'a wait begins before its timeout is on its way',
    file: ATTEMPT,
    replace: 'if (await outbox.schedule(expiry)) return;',
    by: 'void outbox.schedule(expiry);\n    if (seconds > 0) return;',
  },
  {
    name: 'who has made room for another begins without being counted',
    file: LIMITS,
    replace: 'return await this.sweep(group.name, others) && !await running.enter(group.name, group.capacity, execution);',
    by: 'return this.sweep(group.name, others);',
  },
  {
    name: 'an execution that is redriven needs no room',
    file: LIMITS,
    replace: '(step > 0 && redriven === undefined)',
    by: 'step > 0 || redriven !== undefined',
  },
  {
    name: 'an execution that is redriven enters as if it had never run',
    file: LIMITS,
    replace: 'fence: redriven ?? 0, expires',
    by: 'fence: 0, expires',
  },
  {
    name: 'a parked execution is not counted',
    file: LIMITS,
    replace: '(hasEnded(lock) || lock.status === \'failed\') && lock.fence > fence',
    by: 'lock.done && lock.fence > fence',
  },
  {
    name: 'an execution that a client has cancelled is counted for ever',
    file: LIMITS,
    replace: '(hasEnded(lock) || lock.status === \'failed\') && lock.fence > fence',
    by: '(lock.status === \'completed\' || lock.status === \'failed\') && lock.fence > fence',
  },
  {
    name: 'an execution that is about to begin makes room for another',
    file: LIMITS,
    replace: ': expires < now;',
    by: ': expires > 0;',
  },
  ...ADAPTER_MUTATIONS,
  ...UPGRADE_MUTATIONS,
];
