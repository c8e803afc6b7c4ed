import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ts from 'typescript';

/* Every snippet of the README that names its file is compiled as a user's project would compile it; what can run, is run. */

const ROOT = join(__dirname, '..');
const FOLDER = join(ROOT, '.readme');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

const snippets = new Map([...README.matchAll(/```ts\n\/\/ (\S+)\n([^]*?)```/g)].map(([, name = '', code = '']) => [name, code]));
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);
for (const [name, code] of snippets) writeFileSync(join(FOLDER, name), code);

test('the README has the snippets that are tested here, and no code that is not', () => {
  expect([...snippets.keys()]).toEqual(['order.machine.ts', 'order.actions.ts', 'order-stack.ts', 'shop.ts', 'order.test.ts']);
  expect(README.match(/```ts\n/g)).toHaveLength(snippets.size);
});

test('they compile', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as { config: { compilerOptions: object } };
  const { options } = ts.parseJsonConfigFileContent({ compilerOptions: config.compilerOptions, extends: './tsconfig.jsii.json', files: [] }, ts.sys, ROOT);
  const program = ts.createProgram([...snippets.keys()].map((name) => join(FOLDER, name)), { ...options, rootDir: ROOT, noEmit: true });
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? `${relative(ROOT, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1} ` : '';
    return line + ts.flattenDiagnosticMessageText(messageText, '\n');
  });
  expect(problems).toEqual([]);
}, 60_000);

test('the stack is synthesized, with the shop allowed to start executions', () => {
  // The snippet was compiled above; its class is a stack with a stack's parameters.
  const { OrderStack } = jest.requireActual<{ OrderStack: new (scope: App, id: string) => Stack }>(join(FOLDER, 'order-stack.ts'));
  const template = Template.fromStack(new OrderStack(new App(), 'Orders'));
  template.resourceCountIs('AWS::Lambda::EventSourceMapping', 2);
  template.hasResourceProperties('AWS::Lambda::Function', { Handler: 'index.handler', Environment: { Variables: { FSM_WORKFLOW: {} } } });
});

describe('the test in the README', () => {
  jest.requireActual(join(FOLDER, 'order.test.ts'));
});

test('the commands in the README are those that CI runs', () => {
  const ci = readFileSync(join(ROOT, '.ci/run'), 'utf8');
  for (const command of ['npm ci', 'npm test', 'npm run demo', 'npm run e2e']) {
    expect(README).toContain(command);
    expect(ci).toContain(command);
  }
});
