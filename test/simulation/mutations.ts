import { ADAPTER_MUTATIONS } from './adapter-mutations';
import type { PortsKind } from './setting';
import { UPGRADE_MUTATIONS } from './upgrade-mutations';

/** A realistic mistake in the protocol: a snippet of one file, and the mistaken code that replaces it. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** The snippet. It must occur exactly once; line breaks and indentation may differ. */
  readonly replace: string;
  readonly by: string;
  /**
   * The kinds of ports that the simulation runs with.
   *
   * @default - all kinds; for a file of the test kit, `memory`
   */
  readonly ports?: readonly PortsKind[];
  /** A seed that catches the mistake, tried before all others: the search for it would take minutes. */
  readonly seed?: number;
}

const COMMIT = 'lambda/engine/step/commit.ts';
const DISPATCH_NEXT = 'lambda/engine/step/dispatch-next.ts';
const EXECUTE_ACTIONS = 'lambda/engine/step/execute-actions.ts';
const FAIL_STEP = 'lambda/engine/step/fail-step.ts';
const PARK = 'lambda/engine/step/park.ts';
const POSTPONE = 'lambda/engine/step/postpone.ts';
const TAKE_MAIL = 'lambda/engine/step/take-mail.ts';
const PROCESS_DELIVERY = 'lambda/engine/step/process-delivery.ts';
const SCREEN_DELIVERY = 'lambda/engine/step/screen-delivery.ts';
const ENVELOPE_SENDER = 'lambda/engine/dispatch/envelope-sender.ts';
const DISPATCHER = 'lambda/engine/dispatch/dispatcher.ts';
const SEND_DUE = 'lambda/engine/retries/send-due.ts';
const REFUSAL = 'lambda/engine/locks/refusal.ts';
const CONCURRENCY_LIMITER = 'lambda/engine/locks/concurrency-limiter.ts';
const WAKE = 'lambda/engine/mailbox/wake.ts';
const LOCKS = 'lambda/testing/services/in-memory-lock-store.ts';
const COMPLETE = 'lambda/engine/executions/complete.ts';
const SEND = 'lambda/engine/executions/send.ts';
const DROP_EVENT = 'lambda/engine/executions/drop-event.ts';
const REDRIVE = 'lambda/engine/executions/redrive.ts';
const START = 'lambda/engine/executions/start.ts';
const RESUME = 'lambda/engine/executions/resume.ts';

/** Mistakes that the simulation must catch, each within a bounded number of seeds. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a repeated start sends nothing, although the first one may have failed after its record',
    file: START,
    replace: "if (!same || lock.status !== 'pending') return { outcome: 'exists' };",
    by: "if (lock) return { outcome: 'exists' };",
  },
  {
    name: 'a repeated start sends its own incarnation instead of the recorded one',
    file: START,
    replace: '{ ...prepared.envelope, incarnation: lock.incarnation, sentAt',
    by: '{ ...prepared.envelope, sentAt',
  },
  {
    name: 'a start of another context is accepted',
    file: START,
    replace: "if (!same && ifExists === 'error') {",
    by: "if (!sameMachine && ifExists === 'error') {",
  },
  {
    name: 'the record of an earlier start is ignored',
    file: START,
    replace: "if (recorded) return { outcome: 'started', outgoing };",
    by: "if (recorded || lock.status === 'pending') return { outcome: 'started', outgoing: prepared };",
  },
  {
    name: 'the cancellation of a pending execution leaves its start',
    file: LOCKS,
    replace: 'if (!lock || hasEnded(lock)) return lock;',
    by: "if (lock?.status === 'pending') return { ...lock, fence: 1, status: 'cancelled', done: true }; if (!lock || hasEnded(lock)) return lock;",
  },
  {
    name: 'a result that a service refuses for good returns to its source',
    file: PROCESS_DELIVERY,
    replace: "if (!(thrown instanceof ContentRefusedError) || !('context' in result)) throw thrown;",
    by: "if (!(thrown instanceof ContentRefusedError) || !('context' in result)) throw thrown;\n    await releaseLease(scope, held);\n    throw new Error(thrown.message);",
  },
  {
    name: 'a message that is refused without a lease returns to its source',
    file: PROCESS_DELIVERY,
    replace: 'if (thrown instanceof ContentRefusedError && (await isDeadLettered(scope, thrown)))',
    by: 'if (thrown instanceof ContentRefusedError && false && (await isDeadLettered(scope, thrown)))',
  },
  {
    name: 'a failed step is acknowledged although no retry was stored',
    file: FAIL_STEP,
    replace: "if (!delivered) throw new Error('No retry queue accepted the envelope of a failed step.');",
    by: "if (!delivered) return 'acknowledge';",
  },
  {
    name: 'a postponed envelope is acknowledged although it was not stored',
    file: POSTPONE,
    replace: "if (delivered) return 'acknowledge';",
    by: "void delivered;\n  return 'acknowledge';",
  },
  {
    name: 'a message waits for a lease only until the moment at which the lease ends',
    file: POSTPONE,
    replace: 'Math.max(expires, scope.ports.clock.now()) + EARLY_TOLERANCE_MS',
    by: 'expires + 0 * EARLY_TOLERANCE_MS',
  },
  {
    name: 'a step is acknowledged although its successor was not dispatched',
    file: DISPATCH_NEXT,
    replace: "throw new Error('Neither an event source nor a retry queue accepted the envelope of the next step.');",
    by: "return 'acknowledge';",
  },
  {
    name: 'the chain of fences is ignored: the envelope of any attempt continues the execution',
    file: LOCKS,
    replace: 'lock.step === request.step - 1 && lock.fence === request.parent',
    by: 'lock.step === request.step - 1',
  },
  {
    name: 'the parent of a redelivery is ignored',
    file: LOCKS,
    replace: 'lock.step === request.step && lock.parent === request.parent && lock.reopened',
    by: 'lock.step === request.step && lock.reopened',
  },
  {
    name: 'a valid lease is ignored',
    file: LOCKS,
    replace: '!lock.done && lock.expires < request.now',
    by: '!lock.done',
  },
  {
    name: 'a step that is done runs again',
    file: LOCKS,
    replace: 'lock.reopened === request.redriven && !lock.done && lock',
    by: 'lock.reopened === request.redriven && lock',
  },
  {
    name: 'the fence does not grow with a retry',
    file: LOCKS,
    replace: 'const fence = lock.fence + 1;',
    by: "const fence = lock.status === 'running' && lock.step === step ? lock.fence : lock.fence + 1;",
  },
  {
    name: 'the final commit ignores the fence',
    file: LOCKS,
    replace: 'if (!lock || !isHeld(lock, lease) || lock.released === lease.fence) {',
    by: 'if (!lock) {',
  },
  {
    name: 'a retry carries the context that the failed attempt changed',
    file: FAIL_STEP,
    replace: 'dispatcher.schedule({ ...original, attempt',
    by: 'dispatcher.schedule({ ...envelope, attempt',
  },
  {
    name: 'a catch transition carries the context of the failed attempt',
    file: FAIL_STEP,
    replace: 'const { context } = originalEnvelope(scope);',
    by: 'const { context } = step.envelope;',
  },
  {
    name: 'the death of a neighbor counts as an attempt',
    file: LOCKS,
    replace: 'accompanied: alone ? lock.accompanied : fence,',
    by: 'accompanied: 0,',
  },
  {
    name: 'suspects run beside other executions',
    file: LOCKS,
    replace: 'lock.mail === request.mail && (request.alone || !isSuspect(lock))',
    by: 'lock.mail === request.mail',
  },
  {
    name: 'suspects run at the same time',
    file: 'lambda/engine/step/batch.ts',
    replace: 'await this.idle.work(() => this.run(group, true));',
    by: 'void this.run(group, true); if (suspects.length === 0) await this.run(group, true);',
  },
  {
    name: 'a suspect that an invocation has no time for uses up an attempt',
    file: 'lambda/engine/step/batch.ts',
    replace: 'postpone(scope, decoded.envelope, notBefore)',
    by: 'postpone(scope, { ...decoded.envelope, attempt: decoded.envelope.attempt + 1 }, notBefore)',
  },
  {
    name: 'the members of a thrown value are read as those of an error',
    file: 'lambda/engine/thrown.ts',
    replace: 'return (value as Readonly<Record<string | number, unknown>>)[name];\n  } catch {\n    return undefined;',
    by: 'return (value as Readonly<Record<string | number, unknown>>)[name];\n  } catch (thrown) {\n    throw thrown;',
  },
  {
    name: 'a time limit is not enforced',
    file: EXECUTE_ACTIONS,
    replace: 'if (limit && !(await within(clock, end, running))) {',
    by: 'if (limit && end < 0) {',
  },
  {
    name: 'an attempt that exceeds its time limit is not aborted',
    file: EXECUTE_ACTIONS,
    replace: 'ended.abort(error);',
    by: "if (error.name !== 'TimeLimitError') ended.abort(error);",
  },
  {
    name: 'the context of a step can be changed after the step',
    file: EXECUTE_ACTIONS,
    replace: "context: copyJson(context, 'context') as JsonObject",
    by: "context: (copyJson(context, 'context'), context)",
  },
  {
    name: 'a context of any values is accepted',
    file: EXECUTE_ACTIONS,
    replace: "context: copyJson(context, 'context') as JsonObject",
    by: 'context: structuredClone({ ...context, odd: context.odd === undefined ? undefined : null })',
  },
  {
    name: 'the lease of an action that overran its time is released',
    file: 'lambda/engine/step/tidy.ts',
    replace: 'if (overrun) return;',
    by: 'void overrun;',
  },
  {
    name: 'the attempts start over when a retry fails over to the next queue',
    file: DISPATCHER,
    replace: 'const stored = delays ? envelope : { ...envelope, notBefore: undefined };',
    by: 'const stored = { ...envelope, ...(!delays && { notBefore: undefined }), ...(transport !== queues[0] && { attempt: 0 }) };',
  },
  {
    name: 'a catch transition does not wait for an action that overran its time',
    file: FAIL_STEP,
    replace: 'error: failure,\n    notBefore: overrun ? lease.expires : undefined,',
    by: 'error: failure,',
  },
  {
    name: 'a step is committed and acknowledged before its context is in the journal',
    file: COMMIT,
    replace: 'await dispatcher.record(checkpoint);',
    by: 'void dispatcher.record(checkpoint).catch(() => undefined);',
  },
  {
    name: 'the mailbox is not read after the park is committed',
    file: PARK,
    replace: 'await wakeExecution(scope, lock);',
    by: '',
  },
  {
    name: 'the mailbox is read before the park is committed',
    file: PARK,
    replace: "const committed = await recordAndCommit(scope, held, checkpoint, 'parked', { accepts, handles });",
    by: "await wakeExecution(scope, lock);\n  const committed = await recordAndCommit(scope, held, checkpoint, 'parked', { accepts, handles });\n  lock.accepts = [];",
  },
  {
    name: 'a redelivered park does not repeat a lost wake-up',
    file: 'lambda/engine/step/answer-refusal.ts',
    replace: 'await wakeExecution(scope, reason.lock);',
    by: '',
  },
  {
    name: 'a wake-up whose step has parked does not look into the mailbox again',
    file: TAKE_MAIL,
    replace: "if (lock.status === 'parked') await wakeExecution(scope, lock);",
    by: '',
  },
  {
    name: 'a wake-up that no transport accepted is dropped',
    file: 'lambda/engine/step/wake-execution.ts',
    replace:
      "throw new Error('Neither an event source nor a retry queue accepted the envelope that wakes an execution.');",
    by: 'return;',
  },
  {
    name: 'the event that woke a step is taken again at the next park',
    file: WAKE,
    replace:
      'if (parked.mail !== undefined && !isTimeout(parked.mail)) await mailbox.remove(parked.executionId, parked.mail);',
    by: '',
  },
  {
    name: 'the event that woke a step is removed before the park is committed',
    file: PARK,
    replace: 'const { executionId, taken } = held.envelope;',
    by: 'const { executionId, mail, taken = mail } = held.envelope;',
  },
  {
    name: 'a wake-up is acknowledged although another one has taken its event and may die',
    file: TAKE_MAIL,
    replace: 'if (!lock.done) return takeAgain(scope, wakeUp, lock);',
    by: "if (!lock.done) return 'acknowledge';",
  },
  {
    name: 'a repeated step takes another event than the first attempt',
    file: TAKE_MAIL,
    replace: 'if (!lock.done) return takeAgain(scope, wakeUp, lock);',
    by: 'if (!lock.done) return takeFirst(scope, wakeUp, { ...lock, step: lock.step - 1, mail: undefined, accepts: lock.handles });',
  },
  {
    name: 'events are taken in any order',
    file: 'lambda/testing/services/in-memory-mailbox.ts',
    replace: 'return this.waiting(execution).find(',
    by: 'return this.waiting(execution).reverse().find(',
  },
  {
    name: 'an event id is accepted again',
    file: 'lambda/testing/services/in-memory-mailbox.ts',
    replace: 'if (known && !isForgotten) {',
    by: 'if (known && !isForgotten && box.last < 0) {',
  },
  {
    name: 'an event id is accepted with other data',
    file: 'lambda/engine/mailbox/accept-mail.ts',
    replace: 'if (!result.same) throw new EventConflictError(executionId, mail);',
    by: '',
  },
  {
    name: 'a drop does not hide the event before it reads the lock',
    file: DROP_EVENT,
    replace: "if (!mail || !(await mailbox.hide(executionId, mail.key, true))) return 'unknown';",
    by: "if (!mail) return 'unknown';",
  },
  {
    name: 'a drop ignores that a state is taking the event',
    file: DROP_EVENT,
    replace: 'if (lock?.mail !== mail.key && !isAwaited) {',
    by: 'if (lock?.mail !== mail.key) {',
  },
  {
    name: 'a drop ignores that a step has taken and removed the event',
    file: DROP_EVENT,
    replace: "return (await mailbox.remove(executionId, mail.key)) ? 'dropped' : 'taken';",
    by: "await mailbox.remove(executionId, mail.key);\n    return 'dropped';",
  },
  {
    name: 'a drop ignores that a step has taken the event',
    file: DROP_EVENT,
    replace: 'if (lock?.mail !== mail.key && !isAwaited) {',
    by: 'if (!isAwaited) {',
  },
  {
    name: 'an event for a later state is refused',
    file: 'lambda/machine/reachable.ts',
    replace: 'return state.catch ? [...targets, state.catch.target] : targets;',
    by: 'return state.catch ? targets.slice(1) : targets.slice(1);',
  },
  {
    name: 'a step does not carry the event that is to be removed',
    file: 'lambda/engine/step/successor.ts',
    replace: '{ ...next, taken: takenBy(envelope), trace',
    by: '{ ...next, trace',
  },
  {
    name: 'a client reads the lock before it puts the event',
    file: SEND,
    replace: 'const lock = await ports.locks.read(executionId);\n  if (hasEnded(lock)',
    by: 'const lock = before;\n  if (hasEnded(lock)',
  },
  {
    name: 'a busy step counts as a duplicate',
    file: REFUSAL,
    replace: "return { kind: 'busy', until: lock.expires };",
    by: "return { kind: 'duplicate' };",
  },
  {
    name: 'an envelope is acknowledged although the lock store did not answer',
    file: 'lambda/engine/step/locks-unavailable.ts',
    replace: 'return postpone(scope, envelope, nextRedelivery(receives, clock.now(), random));',
    by: "void [postpone, nextRedelivery, receives, clock, random];\n  return Promise.resolve('acknowledge');",
  },
  {
    name: 'the envelopes of an earlier execution with the same id acquire the lease',
    file: LOCKS,
    replace: 'lock.incarnation !== request.incarnation || lock.machine !== request.machine',
    by: 'lock.machine !== request.machine',
  },
  {
    name: 'a callback token of an earlier execution with the same id is accepted',
    file: COMPLETE,
    replace: 'if (before?.incarnation !== incarnation || before.step > step',
    by: 'void incarnation; if (before === undefined || before.step > step',
  },
  {
    name: 'a timeout of an earlier execution with the same id ends a wait',
    file: TAKE_MAIL,
    replace: "if (lock?.incarnation !== wakeUp.incarnation) return 'acknowledge';",
    by: "if (!lock) return 'acknowledge';",
  },
  {
    name: 'the id of an event stays taken for a later execution with the same id',
    file: 'lambda/testing/services/in-memory-mailbox.ts',
    replace: ": !['', incarnation].includes(known.incarnation));",
    by: ': false);',
  },
  {
    name: 'a dead letter that is moved back is a duplicate',
    file: FAIL_STEP,
    replace: 'encodeEnvelope(redriven),',
    by: 'encodeEnvelope(redrivable),',
  },
  {
    name: 'a client trusts its own clock',
    file: 'lambda/engine/executions/service-clock.ts',
    replace: 'return this.own.now() - this.ahead;',
    by: 'return this.own.now();',
    ports: ['table', 'cache'],
  },
  {
    name: 'a start begins an execution that is forgotten',
    file: LOCKS,
    replace: 'const lock = this.find(request.executionId); if (lock && hasAcquired(request, lock)) {',
    by: `const lock = this.find(request.executionId) ??
      (request.step === 0 ? pendingLock({ ...request, contextHash: '' }) : undefined);
    if (lock && hasAcquired(request, lock)) {`,
  },
  {
    name: 'a start that is older than the retention is refused although its execution exists',
    file: SCREEN_DELIVERY,
    replace: 'if (envelope.timeout || envelope.wakes) return takeMail(scope, envelope, now);',
    by: `if (envelope.timeout || envelope.wakes) return takeMail(scope, envelope, now);
  if (envelope.step === 0 && envelope.sentAt < now - 86_400_000) {
    await deadLetter(scope, 'The start is too old.', envelope);
    return 'acknowledge';
  }`,
  },
  {
    name: 'a failed entry of a batch counts as sent',
    file: ENVELOPE_SENDER,
    replace: 'if (sent.ok) return sent;',
    by: "if (!('call' in (sent as unknown as { error: object }).error)) return sent;\n    if (!sent.ok) return { place: { service: transport.name, resource: '' }, journaled: false };",
  },
  {
    name: 'a due envelope is removed although no event source accepted it',
    file: SEND_DUE,
    replace: 'await store.remove(sent);',
    by: 'await store.remove(ripe);',
  },
  {
    name: 'a queue holds a message for its visibility timeout while the lock store is down',
    file: 'lambda/engine/step/locks-unavailable.ts',
    replace: 'return postpone(scope, envelope, nextRedelivery(receives, clock.now(), random));',
    by: "return blocking ? postpone(scope, envelope, nextRedelivery(receives, clock.now(), random)) : Promise.resolve('redeliver');",
  },
  {
    name: 'a message waits twice as long with each delivery while the lock store is down',
    file: 'lambda/engine/retries/waits.ts',
    replace: 'fullJitter({ baseSeconds: 2, capSeconds: 20 }',
    by: 'fullJitter({ baseSeconds: 2, capSeconds: 2_000 }',
  },
  {
    name: 'an unexpected error acknowledges its record',
    file: 'lambda/engine/step/process-delivery.ts',
    replace: 'return redeliverAt(scope, nextRedelivery(delivery.receives, ports.clock.now(), ports.random));',
    by: "void [redeliverAt, nextRedelivery, delivery];\n    return 'acknowledge';",
  },
  {
    name: 'one retry is skipped',
    file: FAIL_STEP,
    replace: 'step.envelope.attempt < state.maxRetries',
    by: 'step.envelope.attempt < state.maxRetries - 1',
  },
  {
    name: 'the exit action is skipped in a catch transition',
    file: 'lambda/machine/transition.ts',
    replace: 'if (left?.exit !== undefined) {',
    by: 'if (left?.exit !== undefined && event !== CATCH) {',
  },
  {
    name: 'a local transition drops the context of the states before it',
    file: EXECUTE_ACTIONS,
    replace: 'if (!following.local) return',
    by: 'if (following.local) context.marks = [];\n    if (!following.local) return',
  },
  {
    name: 'an action runs after the next envelope was dispatched',
    file: DISPATCH_NEXT,
    replace: 'await forgetPark(scope, envelope);',
    by: 'const plan = held.plan instanceof Error ? undefined : held.plan.definition.machine;\n  const exit = plan?.states[outgoing.envelope.state!]?.exit;\n  if (plan && exit) await scope.actions(plan.name, exit)?.({ marks: [] }, { ...envelope, ...held.lease, state: outgoing.envelope.state! } as never);\n  await forgetPark(scope, envelope);',
  },
  {
    name: 'the dead letter of a failed execution is not stored',
    file: FAIL_STEP,
    replace:
      'await deadLetter( scope, reason, envelope, `The step into state "${failure.state}" failed permanently with ${logged}`, encodeEnvelope(redriven),);',
    by: 'void [deadLetter, redriven, reason, logged];',
  },
  {
    name: "the log contains the message of an action's error",
    file: FAIL_STEP,
    replace: 'failed with ${locationOf(error)}.',
    by: 'failed with ${String(error)}.',
  },
  {
    name: 'an invalid envelope is not acknowledged',
    file: SCREEN_DELIVERY,
    replace: "return 'acknowledge';\n  }\n  const { envelope } = decoded;",
    by: "throw new Error('no envelope');\n  }\n  const { envelope } = decoded;",
  },
  {
    name: 'a redrive sends the envelope without reopening the lock',
    file: REDRIVE,
    replace:
      "if (lock.status === 'failed' && !(await locks.reopen(lock, clock.now()))) { throw new NotFailedError(executionId, 'changing'); }",
    by: '',
  },
  {
    name: 'a running execution is resumed',
    file: RESUME,
    replace: "if (lock.status !== 'running' || lock.expires > clock.now()) return lock.status;",
    by: "if (lock.status !== 'running') return lock.status;",
  },
  {
    name: 'any well-formed callback token is accepted',
    file: 'lambda/engine/mailbox/callback-token.ts',
    replace: 'return timingSafeEqual(Buffer.from(claim.seal), Buffer.from(sealOf(secret, claim, claim.step)));',
    by: 'return timingSafeEqual(Buffer.from(claim.seal), Buffer.from(claim.seal)) || sealOf(secret, claim, claim.step) === claim.seal;',
  },
  {
    name: 'the seal of a callback token does not cover its step',
    file: 'lambda/engine/mailbox/callback-token.ts',
    replace: '.update(`${step}.${incarnation}.${executionId}`)',
    by: '.update(`${incarnation}.${executionId}`)',
  },
  {
    name: 'a wake-up carries another fence than the park',
    file: WAKE,
    replace: '{ executionId, incarnation, machine, step, fence },',
    by: '{ executionId, incarnation, machine, step, fence: fence - 1 },',
  },
  {
    name: 'the event of a callback token is also taken in another step',
    file: 'lambda/testing/services/in-memory-mailbox.ts',
    replace: '(mail.step ?? step) === step',
    by: 'step >= 0',
  },
  {
    name: 'a callback token is reported as spent while its step is waiting',
    file: COMPLETE,
    replace: 'before.step > step || hasEnded(before)',
    by: 'before.step >= step || hasEnded(before)',
  },
  {
    name: 'a cancellation does not increase the fence',
    file: LOCKS,
    replace: 'fence: lock.fence + 1, updatedAt: now',
    by: 'updatedAt: now',
  },
  {
    name: 'a timeout is applied after the execution has moved on',
    file: TAKE_MAIL,
    replace: 'if (lock.step === wakeUp.step - 1 && lock.fence === wakeUp.parent) {',
    by: "if (wakeUp.timeout && lock.status === 'parked' && lock.step >= wakeUp.step) return takeFirst(scope, { ...wakeUp, step: lock.step + 1, parent: lock.fence }, lock);\n  if (lock.step === wakeUp.step - 1 && lock.fence === wakeUp.parent) {",
  },
  {
    name: 'a timeout that arrives before the park is committed is dropped',
    file: TAKE_MAIL,
    replace: 'if (mayStillCommit(lock, now)) return postpone(scope, wakeUp, soon(now, random));',
    by: "if (!lock.done) return 'acknowledge';",
  },
  {
    name: 'a timeout is stored in a queue that cannot delay it',
    file: DISPATCHER,
    replace: 'if (envelope.timeout && !delays) continue;',
    by: '',
  },
  {
    name: 'a wait begins before its timeout is stored',
    file: PARK,
    replace: 'if (await dispatcher.schedule(envelope)) return;',
    by: 'void dispatcher.schedule(envelope);\n  if (seconds > 0) return;',
  },
  {
    name: 'an execution that made room by a sweep begins without being counted',
    file: CONCURRENCY_LIMITER,
    replace: 'if (swept && (await running.enter(swept.name, swept.capacity - reserve, execution))) return true;',
    by: 'if (swept) return true;',
  },
  {
    name: 'a redriven execution needs no room',
    file: CONCURRENCY_LIMITER,
    replace: '(step > 0 && redriven === undefined)',
    by: 'step > 0 || redriven !== undefined',
  },
  {
    name: 'a redriven execution enters as if it had never run',
    file: CONCURRENCY_LIMITER,
    replace: 'fence: redriven ?? 0, expires',
    by: 'fence: 0, expires',
  },
  {
    name: 'a parked execution does not count against the limit',
    file: CONCURRENCY_LIMITER,
    replace: "(hasEnded(lock) || lock.status === 'failed') && lock.fence > fence",
    by: 'lock.done && lock.fence > fence',
  },
  {
    name: 'a canceled execution counts against the limit forever',
    file: CONCURRENCY_LIMITER,
    replace: "(hasEnded(lock) || lock.status === 'failed') && lock.fence > fence",
    by: "(lock.status === 'completed' || lock.status === 'failed') && lock.fence > fence",
  },
  {
    name: 'an execution that is about to begin makes room for another',
    file: CONCURRENCY_LIMITER,
    replace: ': expires < now;',
    by: ': expires > 0;',
  },
  {
    name: 'an execution enters a full group that follows its home group',
    file: CONCURRENCY_LIMITER,
    replace: 'if (await running.enter(name, capacity - reserve, execution)) return true;',
    by: 'if ((await running.enter(name, capacity - reserve, execution)) || room({ name, capacity, counted: [] }) > 0) return true;',
  },
  {
    name: 'a timeout ends a wait before its time',
    file: TAKE_MAIL,
    replace: '!timeout || timeout.at > now + EARLY_TOLERANCE_MS',
    by: '!timeout',
  },
  {
    name: 'an envelope of another machine continues an execution',
    file: LOCKS,
    replace: 'lock.incarnation !== request.incarnation || lock.machine !== request.machine',
    by: 'lock.incarnation !== request.incarnation',
  },
  ...ADAPTER_MUTATIONS,
  ...UPGRADE_MUTATIONS,
];
