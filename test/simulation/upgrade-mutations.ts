import type { Mutation } from './mutations';

const ATTEMPT = 'lambda/engine/attempt.ts';
const ADMISSION = 'lambda/engine/admission.ts';
const DEFINITIONS = 'lambda/engine/definitions.ts';

/** Mistakes about what becomes of executions in flight when the definition of their machine changes. */
export const UPGRADE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the next step is not told by which definition the execution is run',
    file: ATTEMPT,
    replace: 'this.successor({ state: lastOf(result.states), event: result.event, context: result.context, definition });',
    by: 'this.successor({ state: lastOf(result.states), event: result.event, context: result.context, definition: undefined });',
  },
  {
    name: 'a catch transition is taken by the definition that is current',
    file: ATTEMPT,
    replace: 'const definition = this.around.definitions.of(this.held.envelope)?.hash;',
    by: 'const definition = undefined;',
  },
  {
    name: 'a parked execution is woken into the definition that is current',
    file: 'lambda/engine/wake.ts',
    replace: '    definition,\n    step: step + 1,',
    by: '    definition: definition && undefined,\n    step: step + 1,',
  },
  {
    name: 'an execution that is redriven moves to the definition that is current',
    file: 'lambda/engine/executions.ts',
    replace: 'moveToCurrent ? undefined : failed.envelope.definition',
    by: 'moveToCurrent ? undefined : undefined',
  },
  {
    name: 'an execution that is to stop goes on with a definition that is still there',
    file: DEFINITIONS,
    replace: 'policy === \'finish-on-old\' ? previous.get(definition) : undefined',
    by: 'policy === \'finish-on-old\' ? previous.get(definition) : current',
  },
  {
    name: 'an execution that may finish as it has begun is stopped',
    file: DEFINITIONS,
    replace: 'policy === \'finish-on-old\' ? previous.get(definition) : undefined',
    by: 'undefined',
  },
  {
    name: 'a function that is being replaced fails what the new one has sent',
    file: ADMISSION,
    replace: 'Math.abs(now - envelope.sentAt) < options.rollover',
    by: 'options.rollover < 0',
  },
];
