import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Stage, type Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { ORDER, OUTPUT, assetOf, newStack, newWorkflow, refusal } from './support';
import { normalize } from '../../lambda/machine';
import { MachineDefinition, RetryQueue, UpgradePolicy, type FsmWorkflowProps, type MachineDefinitionOptions } from 'cdk-lambda-fsm';

/** As it was before charging was a state of its own. */
const BEFORE = { ...ORDER, states: { reserving: { do: 'reserve', on: { reserved: 'done' } }, done: ORDER.states.done } };
const OTHER = { ...ORDER, name: 'other' };

const order = (options?: MachineDefinitionOptions) => MachineDefinition.fromObject(ORDER, options);
const before = MachineDefinition.fromObject(BEFORE);

/** What the runtime finds in upgrades.json. */
function upgradesOf(...machines: MachineDefinition[]): unknown {
  const stack = newStack();
  newWorkflow(stack, { machines });
  const file = path.join(assetOf(stack), 'upgrades.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

test('a machine that is moved needs nothing more', () => {
  expect(upgradesOf(order())).toBeUndefined();
  expect(upgradesOf(order({ upgradePolicy: UpgradePolicy.MOVE }))).toBeUndefined();
});

test('the other policies are deployed by machine, with the previous versions in their normal form', () => {
  const finishing = order({ upgradePolicy: UpgradePolicy.FINISH_ON_OLD, previousVersions: [before] });
  const stopping = MachineDefinition.fromObject(OTHER, { upgradePolicy: UpgradePolicy.STOP });
  expect(upgradesOf(finishing, stopping)).toEqual({
    order: { policy: 'finish-on-old', previousVersions: [normalize(BEFORE)] },
    other: { policy: 'stop', previousVersions: [] },
  });
  expect(upgradesOf(order({ upgradePolicy: UpgradePolicy.FINISH_ON_OLD }))).toEqual({ order: { policy: 'finish-on-old', previousVersions: [] } });
});

test('the options of a file are those of each of its machines, and each gets its own previous versions', () => {
  const file = (name: string) => path.join(__dirname, 'machines', name);
  const refund = JSON.parse(readFileSync(file('refund.json'), 'utf8'));
  const previous = MachineDefinition.fromObject({ ...refund, maxRetries: 9 });
  expect(upgradesOf(MachineDefinition.fromYamlFile(file('fsm.yaml'), { upgradePolicy: UpgradePolicy.FINISH_ON_OLD, previousVersions: [previous] }))).toEqual({
    refund: { policy: 'finish-on-old', previousVersions: [normalize({ ...refund, maxRetries: 9 })] },
    order: { policy: 'finish-on-old', previousVersions: [] },
  });
});

test('a retry queue must do for previous versions, too', () => {
  const atOnce = { ...ORDER, backoff: { baseSeconds: 0 } };
  const message = refusal(() => ({
    machines: [MachineDefinition.fromObject(atOnce, { upgradePolicy: UpgradePolicy.FINISH_ON_OLD, previousVersions: [order()] })],
    retryQueue: RetryQueue.kinesis(),
  }));
  expect(message).toContain('retryQueue: Kinesis cannot hold a retry back, but machine "order" asks for a backoff');
});

test('all that is wrong is told at once', () => {
  const broken = MachineDefinition.fromObject({ ...BEFORE, initial: 'nowhere' });
  const optional = MachineDefinition.fromObject({ ...OTHER, maxRetries: 9 }, { upgradePolicy: UpgradePolicy.STOP });
  const message = refusal(() => ({
    machines: [
      order({ upgradePolicy: UpgradePolicy.STOP, previousVersions: [before] }),
      MachineDefinition.fromObject(OTHER, {
        upgradePolicy: UpgradePolicy.FINISH_ON_OLD,
        previousVersions: [broken, before, MachineDefinition.fromObject(OTHER), optional],
      }),
    ],
  }));
  expect(message).toContain('The workflow "Stack/Orders" cannot be made: 5 problems:');
  expect(message).toContain('machines: previousVersions of "order" would not be used, since the upgradePolicy is UpgradePolicy.STOP. Set it to UpgradePolicy.FINISH_ON_OLD, or leave them out.');
  expect(message).toMatch(/machines: previousVersions: machine "order".*"nowhere"/);
  expect(message).toContain('machines: previousVersions: "order" is no machine of the definition that it is given to, which has "other". Give a version of one of these; a machine keeps its name.');
  expect(message).toContain('machines: previousVersions: "other" is the very definition that it is given to.');
  expect(message).toContain('machines: previousVersions: "other" has options of its own, which nobody would look at.');
});

describe('the actions of previous versions', () => {
  const GONE = { ...ORDER, states: { ...ORDER.states, charging: { entry: 'greet', do: 'bill', on: { charged: 'done' } } } };
  const machines = [order({ upgradePolicy: UpgradePolicy.FINISH_ON_OLD, previousVersions: [MachineDefinition.fromObject(GONE)] })];

  /** A stack with a workflow whose actions file has this text. */
  function withActions(text: string, more: Partial<FsmWorkflowProps> = {}): { readonly stack: Stack; readonly file: string } {
    const stack = newStack();
    const file = path.join(mkdtempSync(path.join(OUTPUT, 'actions-')), 'order.actions.mjs');
    writeFileSync(file, text);
    newWorkflow(stack, { machines, actions: file, ...more });
    return { stack, file };
  }
  const synth = (stack: Stack) => Stage.of(stack)!.synth();
  const ALL = 'reserve: f, charge: f';

  test('that are missing stop the synth, all of them', () => {
    const { stack, file } = withActions('const f = () => 1; export default { reserve: f };');
    let message = '';
    try {
      synth(stack);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain(`Machine "order", state "charging": ${file} exports no action "charge".`);
    expect(message).toContain(`Machine "order", state "charging": ${file} exports no action "greet".`);
    expect(message).toContain(`Machine "order", state "charging": ${file} exports no action "bill". Add it there; an action that only a previous version names must stay`);
    expect(message).not.toContain('"reserve"');
  });

  test.each([
    ['all together', `export default { ${ALL}, greet: f, bill: f };`],
    ['for each version', `export default [{ machine: { name: 'order' }, actions: { ${ALL} } }, { machine: { name: 'order' }, actions: { greet: f, bill: f } }];`],
    ['those that are gone for all machines', `export default [{ machine: { name: 'order' }, actions: { ${ALL} } }, { greet: f, bill: f }];`],
    ['by a module that writes and does not end', `console.log('hello'); setInterval(() => {}, 1_000); export default { ${ALL}, greet: f, bill: f };`],
  ])('are found, %s', (_, text) => {
    const { stack } = withActions(`const f = () => 'x'; ${text}`);
    expect(() => synth(stack)).not.toThrow();
    Annotations.fromStack(stack).hasNoWarning('/Stack/Orders', Match.anyValue());
  });

  test('of another machine do not count', () => {
    const { stack } = withActions(`const f = () => 'x'; export default [{ ${ALL} }, { machine: { name: 'other' }, actions: { greet: f, bill: f } }];`);
    expect(() => synth(stack)).toThrow('exports no action "greet"');
  });

  test('may be those of a file that cannot be loaded here, which is said', () => {
    const { stack, file } = withActions('throw new RangeError("no TABLE in the environment"); export default {};');
    expect(() => synth(stack)).not.toThrow();
    Annotations.fromStack(stack).hasWarning('/Stack/Orders', Match.stringLikeRegexp(`actions: ${file} cannot be loaded here.*RangeError: no TABLE in the environment`));
  });

  test('are not looked for where there are none', () => {
    const { stack } = withActions('throw new RangeError("never loaded"); export default {};', { machines: [order()] });
    expect(() => synth(stack)).not.toThrow();
    Annotations.fromStack(stack).hasNoWarning('/Stack/Orders', Match.anyValue());
  });
});
