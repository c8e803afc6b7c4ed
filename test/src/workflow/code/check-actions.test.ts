import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { App } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { OUTPUT, newStack, newWorkflow } from '../../../support/constructs';
import { MachineDefinition, type FsmWorkflowProps } from 'cdk-lambda-fsm';

/** Synthesizes a workflow of the machine `order`, which needs the actions `reserve` and `charge`. */
function synth(files: Readonly<Record<string, string>>, props: Partial<FsmWorkflowProps> = {}) {
  const directory = mkdtempSync(path.join(OUTPUT, 'actions-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
  const stack = newStack();
  newWorkflow(stack, { actions: path.join(directory, Object.keys(files)[0]!), ...props });
  let error = '';
  try {
    stack.node.root.node.findAll().forEach((construct) => App.isApp(construct) && construct.synth());
  } catch (thrown) {
    error = String(thrown);
  }
  return { stack, error };
}

const BOTH = `reserve: async () => 'reserved', charge: async () => 'charged'`;

test.each<[string, string, string]>([
  ['an object', 'a.mjs', `export default { ${BOTH} };`],
  [
    'an object with a default export that tsc has compiled to CommonJS',
    'a.js',
    `"use strict"; Object.defineProperty(exports, "__esModule", { value: true }); exports.default = { ${BOTH} };`,
  ],
  ['an object as exports.default, without a mark', 'a.cjs', `exports.default = { ${BOTH} };`],
  [
    'module.exports that is its own default',
    'a.cjs',
    `module.exports = { ${BOTH} }; module.exports.default = module.exports;`,
  ],
  [
    'named exports',
    'a.ts',
    `export const reserve = async () => 'reserved'; export async function charge() { return 'charged'; }`,
  ],
  [
    'named exports that tsc has compiled to CommonJS',
    'a.js',
    `Object.defineProperty(exports, "__esModule", { value: true }); exports.charge = exports.reserve = async () => 'x';`,
  ],
  ['exports of CommonJS', 'a.cjs', `exports.reserve = async () => 'reserved'; exports.charge = async () => 'charged';`],
  [
    'an instance of a class that extends another one',
    'a.ts',
    `class Base { async reserve() { return 'reserved'; } } export default new (class extends Base { async charge() { return 'charged'; } })();`,
  ],
  [
    'the static methods of a class',
    'a.ts',
    `export default class Actions { static async reserve() { return 'reserved'; } static charge = async () => 'charged'; }`,
  ],
  [
    'an instance of a class for one machine',
    'a.ts',
    `export default { machine: { name: 'order' }, actions: new (class { reserve() {} charge() {} })() };`,
  ],
])('finds the actions in %s', (_, name, text) => {
  const { stack, error } = synth({ [name]: text });
  expect(error).toBe('');
  Annotations.fromStack(stack).hasNoWarning('/Stack/Orders', Match.anyValue());
});

test.each<[string, string, RegExp]>([
  [
    'one action is missing',
    `export default { reserve: () => 'x' };`,
    /Machine "order", state "charging": .* exports no action "charge"/,
  ],
  ['an action is no function', `export default { reserve: () => 'x', charge: 'x' };`, /exports no action "charge"/],
  [
    'the actions are not the default export',
    `export const actions = { ${BOTH} };`,
    /has no default export, so each of its exports is an action: "actions"/,
  ],
  ['the default export is a class', `export default class { reserve() {} charge() {} }`, /exports no action "charge"/],
  ['the default export is a number', `export default 7;`, /found a number, expected implement/],
])('synthesis fails if %s', (_, text, message) => {
  expect(synth({ 'a.ts': text }).error).toMatch(message);
});

test.each(['constructor', 'toString', 'hasOwnProperty', 'call', 'bind'])(
  'the function %s that every object or class has is no action',
  (name) => {
    const machines = [
      MachineDefinition.fromObject({
        name: 'm',
        initial: 'a',
        states: { a: { do: name, on: { b: 'b' } }, b: { final: true } },
      }),
    ];
    for (const text of ['export default class { static other() {} }', 'export default new (class { other() {} })()']) {
      expect(synth({ 'a.ts': text }, { machines }).error).toContain(`exports no action "${name}"`);
    }
  },
);

test('a file that throws while it loads is a warning', () => {
  const { stack, error } = synth({
    'a.ts': `if (!process.env.TABLE) throw new RangeError('no TABLE'); export default {};`,
  });
  expect(error).toBe('');
  Annotations.fromStack(stack).hasWarning(
    '/Stack/Orders',
    Match.stringLikeRegexp(
      'cannot load .*a\\.ts at synthesis .*: RangeError: no TABLE\\. If it does not load in Lambda',
    ),
  );
});

test('a file that ends the process is a warning', () => {
  const { stack, error } = synth({ 'a.ts': 'process.exit(3); export default {};' });
  expect(error).toBe('');
  Annotations.fromStack(stack).hasWarning(
    '/Stack/Orders',
    Match.stringLikeRegexp('ended the process with exit code 3'),
  );
});

test('the file loads with the environment of the function', () => {
  const text = `if (process.env.TABLE !== 'orders') throw new Error(); export default { reserve: () => 'x' };`;
  expect(synth({ 'a.ts': text }, { environment: { TABLE: 'orders' } }).error).toContain('exports no action "charge"');
});

test('modules that are not bundled are found from the actions file', () => {
  const files = {
    'src/a.ts': `import { x } from 'layer'; export default { reserve: x, charge: x };`,
    'node_modules/layer/package.json': '{ "name": "layer", "type": "module", "exports": "./index.js" }',
    'node_modules/layer/index.js': 'export const x = () => "x";',
  };
  const { stack, error } = synth(files, { bundling: { externalModules: ['layer'] } });
  expect(error).toBe('');
  Annotations.fromStack(stack).hasNoWarning('/Stack/Orders', Match.anyValue());
});
