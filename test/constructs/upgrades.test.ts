import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { ORDER, assetOf, newStack, newWorkflow, refusal } from './support';
import { normalize } from '../../lambda/machine';
import { MachineDefinition, RetryQueue, UpgradePolicy, type MachineDefinitionOptions } from 'cdk-lambda-fsm';

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
