import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { normalize } from '../../../lambda/machine';
import { ORDER, assetOf, newStack, newWorkflow, refusal } from '../../support/constructs';
import { MachineDefinition } from 'cdk-lambda-fsm';

const file = (name: string) => path.join(__dirname, 'machines', name);

/** The machines in the deployed machines.json. */
function deployed(machines: MachineDefinition[]): { name: string }[] {
  const stack = newStack();
  newWorkflow(stack, { machines });
  return JSON.parse(readFileSync(path.join(assetOf(stack), 'machines.json'), 'utf8'));
}

test('deploys an object in its normal form', () => {
  expect(deployed([MachineDefinition.fromObject(ORDER)])).toEqual([normalize(ORDER)]);
});

test('deploys a YAML file in the fsm.yaml dialect with its imports', () => {
  expect(deployed([MachineDefinition.fromYamlFile(file('fsm.yaml'))]).map(({ name }) => name)).toEqual([
    'refund',
    'order',
  ]);
});

test('deploys a JSON file and an object', () => {
  expect(
    deployed([MachineDefinition.fromObject(ORDER), MachineDefinition.fromJsonFile(file('refund.json'))]).map(
      ({ name }) => name,
    ),
  ).toEqual(['order', 'refund']);
});

test('reports the file and line of an error', () => {
  expect(refusal(() => ({ machines: [MachineDefinition.fromYamlFile(file('broken.yaml'))] }))).toMatch(
    /machines: .*broken\.yaml:7: machine "order".*"shiping".*"shipping"/,
  );
});

test('rejects a file in another format', () => {
  const message = refusal(() => ({
    machines: [MachineDefinition.fromYamlFile(file('refund.json')), MachineDefinition.fromJsonFile(file('fsm.yaml'))],
  }));
  expect(message).toMatch(/refund\.json: Unsupported file extension: expected \.yaml or \.yml\. /);
  expect(message).toMatch(/fsm\.yaml: Unsupported file extension: expected \.json\. /);
});

test('rejects values that are not machines', () => {
  for (const value of [undefined, null, 42, 'order', [], () => ORDER]) {
    expect(refusal(() => ({ machines: [MachineDefinition.fromObject(value)] }))).toMatch(/machines: /);
  }
});

test('reports warnings as annotations of the workflow', () => {
  const stack = newStack();
  newWorkflow(stack, { machines: [MachineDefinition.fromYamlFile(file('fsm.yaml'))] });
  Annotations.fromStack(stack).hasWarning('/Stack/Orders', Match.stringLikeRegexp('fsm\\.yaml:.*final'));
});
