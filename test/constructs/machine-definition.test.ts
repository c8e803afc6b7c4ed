import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { ORDER, assetOf, newStack, newWorkflow, refusal } from './support';
import { normalize } from '../../lambda/machine';
import { MachineDefinition } from 'cdk-lambda-fsm';

const file = (name: string) => path.join(__dirname, 'machines', name);

/** What the runtime finds in machines.json. */
function deployed(machines: MachineDefinition[]): { name: string }[] {
  const stack = newStack();
  newWorkflow(stack, { machines });
  return JSON.parse(readFileSync(path.join(assetOf(stack), 'machines.json'), 'utf8'));
}

test('an object is deployed in its normal form', () => {
  expect(deployed([MachineDefinition.fromObject(ORDER)])).toEqual([normalize(ORDER)]);
});

test('a YAML file is deployed with what it imports, in the reference system\'s dialect, too', () => {
  expect(deployed([MachineDefinition.fromYamlFile(file('fsm.yaml'))]).map(({ name }) => name)).toEqual(['refund', 'order']);
});

test('a JSON file is deployed, beside others', () => {
  expect(deployed([MachineDefinition.fromObject(ORDER), MachineDefinition.fromJsonFile(file('refund.json'))]).map(({ name }) => name)).toEqual(['order', 'refund']);
});

test('an error names the file and line', () => {
  expect(refusal(() => ({ machines: [MachineDefinition.fromYamlFile(file('broken.yaml'))] }))).toMatch(/machines: .*broken\.yaml:7: machine "order".*"shiping".*"shipping"/);
});

test('a file is loaded by the method for its format', () => {
  const message = refusal(() => ({ machines: [MachineDefinition.fromYamlFile(file('refund.json')), MachineDefinition.fromJsonFile(file('fsm.yaml'))] }));
  expect(message).toMatch(/refund\.json: The name of the file ends neither with \.yaml nor with \.yml\. /);
  expect(message).toMatch(/fsm\.yaml: The name of the file does not end with \.json\. /);
});

test('what is no machine at all is refused', () => {
  for (const value of [undefined, null, 42, 'order', [], () => ORDER]) {
    expect(refusal(() => ({ machines: [MachineDefinition.fromObject(value)] }))).toMatch(/machines: /);
  }
});

test('what is odd is a warning of the workflow', () => {
  const stack = newStack();
  newWorkflow(stack, { machines: [MachineDefinition.fromYamlFile(file('fsm.yaml'))] });
  Annotations.fromStack(stack).hasWarning('/Stack/Orders', Match.stringLikeRegexp('fsm\\.yaml:.*final'));
});
