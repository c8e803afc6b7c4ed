import type { Mutation } from './mutations';

const DEFINITIONS = 'lambda/engine/definitions/definitions.ts';

/** Mistakes in the upgrade of executions in flight to a changed definition. */
export const UPGRADE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the next envelope does not carry the definition',
    file: 'lambda/engine/step/dispatch-next.ts',
    replace: 'successorOf(scope, held, { state, event, context, definition })',
    by: 'successorOf(scope, held, { state, event, context, definition: undefined })',
  },
  {
    name: 'a catch transition uses the current definition',
    file: 'lambda/engine/step/fail-step.ts',
    replace: 'event: CATCH, context, definition }',
    by: 'event: CATCH, context, definition: undefined }',
    seed: 316,
  },
  {
    name: 'a parked execution wakes in the current definition',
    file: 'lambda/engine/step/take-mail.ts',
    replace: 'definition: parked.definition,',
    by: 'definition: undefined,',
  },
  {
    name: 'a redriven execution moves to the current definition',
    file: 'lambda/engine/executions/redrive.ts',
    replace: 'moveToCurrent ? undefined : failed.envelope.definition',
    by: 'moveToCurrent ? undefined : undefined',
    seed: 614,
  },
  {
    name: 'an execution that must stop continues with a deployed definition',
    file: DEFINITIONS,
    replace: "policy === 'finish-on-old' ? previous.get(definition) : undefined",
    by: "policy === 'finish-on-old' ? previous.get(definition) : current",
  },
  {
    name: 'an execution that may finish on its old definition is stopped',
    file: DEFINITIONS,
    replace: "policy === 'finish-on-old' ? previous.get(definition) : undefined",
    by: 'undefined',
  },
  {
    name: 'a function that is being replaced fails envelopes of the new one',
    file: 'lambda/engine/step/acquire-lease.ts',
    replace: 'Math.abs(now - envelope.sentAt) < options.rollover',
    by: 'options.rollover < 0',
  },
];
