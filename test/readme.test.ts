import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Snippets } from './snippets';

/* Every snippet of the README that names its file is compiled as a user's project would compile it; what can run, is run. */

const ROOT = join(__dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const snippets = Snippets.of('README.md', '.readme/README');

test('the README has the snippets that are tested here, and no code that is not', () => {
  expect(snippets.names).toEqual(['order.machine.ts', 'order.actions.ts', 'order-stack.ts', 'shop.ts', 'order.test.ts']);
  expect(snippets.blocks).toBe(snippets.names.length);
});

test('they compile', () => {
  expect(snippets.problems()).toEqual([]);
}, 120_000);

test('the stack is synthesized, with the shop allowed to start executions', () => {
  // The snippet was compiled above; its class is a stack with a stack's parameters.
  const { OrderStack } = jest.requireActual<{ OrderStack: new (scope: App, id: string) => Stack }>(join(snippets.folder, 'order-stack.ts'));
  const template = Template.fromStack(new OrderStack(new App(), 'Orders'));
  template.resourceCountIs('AWS::Lambda::EventSourceMapping', 2);
  template.hasResourceProperties('AWS::Lambda::Function', { Handler: 'index.handler', Environment: { Variables: { FSM_WORKFLOW: {} } } });
});

describe('the test in the README', () => {
  jest.requireActual(join(snippets.folder, 'order.test.ts'));
});

test('the commands in the README are those that CI runs', () => {
  const ci = readFileSync(join(ROOT, '.ci/run'), 'utf8');
  for (const command of ['npm ci', 'npm test', 'npm run demo', 'npm run e2e']) {
    expect(README).toContain(command);
    expect(ci).toContain(command);
  }
});
