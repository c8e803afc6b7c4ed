import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Stage, type Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { normalize } from '../../../lambda/machine';
import { ORDER, OUTPUT, assetOf, newStack, newWorkflow, refusal } from '../../support/constructs';
import {
  MachineDefinition,
  RetryQueue,
  UpgradePolicy,
  type FsmWorkflowProps,
  type MachineDefinitionOptions,
} from 'cdk-lambda-fsm';

/** An earlier version without the state charging. */
const BEFORE = {
  ...ORDER,
  states: { reserving: { do: 'reserve', on: { reserved: 'done' } }, done: ORDER.states.done },
};
const OTHER = { ...ORDER, name: 'other' };

const order = (options?: MachineDefinitionOptions) => MachineDefinition.fromObject(ORDER, options);
const before = MachineDefinition.fromObject(BEFORE);

/** The content of the deployed upgrades.json. */
function upgradesOf(...machines: MachineDefinition[]): unknown {
  const stack = newStack();
  newWorkflow(stack, { machines });
  const file = path.join(assetOf(stack), 'upgrades.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

test('UpgradePolicy.MOVE deploys no upgrades', () => {
  expect(upgradesOf(order())).toBeUndefined();
  expect(upgradesOf(order({ upgradePolicy: UpgradePolicy.MOVE }))).toBeUndefined();
});

test('other policies are deployed by machine, with previous versions in their normal form', () => {
  const finishing = order({ upgradePolicy: UpgradePolicy.FINISH_ON_OLD, previousVersions: [before] });
  const stopping = MachineDefinition.fromObject(OTHER, { upgradePolicy: UpgradePolicy.STOP });
  expect(upgradesOf(finishing, stopping)).toEqual({
    order: { policy: 'finish-on-old', previousVersions: [normalize(BEFORE)] },
    other: { policy: 'stop', previousVersions: [] },
  });
  expect(upgradesOf(order({ upgradePolicy: UpgradePolicy.FINISH_ON_OLD }))).toEqual({
    order: { policy: 'finish-on-old', previousVersions: [] },
  });
});

test('the options of a file apply to each of its machines, with its previous versions', () => {
  const file = (name: string) => path.join(__dirname, 'machines', name);
  const refund = JSON.parse(readFileSync(file('refund.json'), 'utf8'));
  const previous = MachineDefinition.fromObject({ ...refund, maxRetries: 9 });
  expect(
    upgradesOf(
      MachineDefinition.fromYamlFile(file('fsm.yaml'), {
        upgradePolicy: UpgradePolicy.FINISH_ON_OLD,
        previousVersions: [previous],
      }),
    ),
  ).toEqual({
    refund: { policy: 'finish-on-old', previousVersions: [normalize({ ...refund, maxRetries: 9 })] },
    order: { policy: 'finish-on-old', previousVersions: [] },
  });
});

test('rejects a retry queue that a previous version cannot use', () => {
  const withoutBackoff = { ...ORDER, backoff: { baseSeconds: 0 } };
  const message = refusal(() => ({
    machines: [
      MachineDefinition.fromObject(withoutBackoff, {
        upgradePolicy: UpgradePolicy.FINISH_ON_OLD,
        previousVersions: [order()],
      }),
    ],
    retryQueue: RetryQueue.kinesis(),
  }));
  expect(message).toContain('retryQueue: Kinesis cannot delay retries, but machine "order" has a backoff');
});

test('reports all errors together', () => {
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
  expect(message).toContain('Invalid workflow "Stack/Orders": 5 errors:');
  expect(message).toContain(
    'machines: previousVersions of "order" has no effect, because the upgradePolicy is UpgradePolicy.STOP. Set upgradePolicy to UpgradePolicy.FINISH_ON_OLD, or omit previousVersions.',
  );
  expect(message).toMatch(/machines: previousVersions: machine "order".*"nowhere"/);
  expect(message).toContain(
    'machines: previousVersions: the previous version "order" matches no machine of the current definition, which defines "other". List versions of these machines only. A machine cannot be renamed.',
  );
  expect(message).toContain('machines: previousVersions: the previous version "other" equals the current definition.');
  expect(message).toContain(
    'machines: previousVersions: upgradePolicy and previousVersions of the previous version "other" have no effect.',
  );
});

describe('actions of previous versions', () => {
  const GONE = {
    ...ORDER,
    states: { ...ORDER.states, charging: { entry: 'greet', do: 'bill', on: { charged: 'done' } } },
  };
  const machines = [
    order({ upgradePolicy: UpgradePolicy.FINISH_ON_OLD, previousVersions: [MachineDefinition.fromObject(GONE)] }),
  ];

  /** A stack with a workflow whose actions file contains the text. */
  function withActions(
    text: string,
    more: Partial<FsmWorkflowProps> = {},
  ): { readonly stack: Stack; readonly file: string } {
    const stack = newStack();
    const file = path.join(mkdtempSync(path.join(OUTPUT, 'actions-')), 'order.actions.mjs');
    writeFileSync(file, text);
    newWorkflow(stack, { machines, actions: file, ...more });
    return { stack, file };
  }
  const synth = (stack: Stack) => Stage.of(stack)!.synth();
  const ALL = 'reserve: f, charge: f';

  test('fail synthesis if missing, with all errors together', () => {
    const { stack, file } = withActions('const f = () => 1; export default { reserve: f };');
    let message = '';
    try {
      synth(stack);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain(`Machine "order", state "charging": ${file} exports no action "charge".`);
    expect(message).toContain(`Machine "order", state "charging": ${file} exports no action "greet".`);
    expect(message).toContain(
      `Machine "order", state "charging": ${file} exports no action "bill". Export it. Keep an action of a previous version`,
    );
    expect(message).not.toContain('"reserve"');
  });

  test.each([
    ['in one object', `export default { ${ALL}, greet: f, bill: f };`],
    [
      'in one object per version',
      `export default [{ machine: { name: 'order' }, actions: { ${ALL} } }, { machine: { name: 'order' }, actions: { greet: f, bill: f } }];`,
    ],
    [
      'partly in an object for all machines',
      `export default [{ machine: { name: 'order' }, actions: { ${ALL} } }, { greet: f, bill: f }];`,
    ],
    [
      'in a module that writes to the standard output and keeps the process alive',
      `console.log('hello'); setInterval(() => {}, 1_000); export default { ${ALL}, greet: f, bill: f };`,
    ],
  ])('are found, %s', (_, text) => {
    const { stack } = withActions(`const f = () => 'x'; ${text}`);
    expect(() => synth(stack)).not.toThrow();
    Annotations.fromStack(stack).hasNoWarning('/Stack/Orders', Match.anyValue());
  });

  test('are not found in an object for another machine', () => {
    const { stack } = withActions(
      `const f = () => 'x'; export default [{ ${ALL} }, { machine: { name: 'other' }, actions: { greet: f, bill: f } }];`,
    );
    expect(() => synth(stack)).toThrow('exports no action "greet"');
  });

  test('yield a warning if the file cannot be loaded', () => {
    const { stack, file } = withActions('throw new RangeError("no TABLE in the environment"); export default {};');
    expect(() => synth(stack)).not.toThrow();
    Annotations.fromStack(stack).hasWarning(
      '/Stack/Orders',
      Match.stringLikeRegexp(`actions: cannot load ${file} at synthesis.*RangeError: no TABLE in the environment`),
    );
  });
});
