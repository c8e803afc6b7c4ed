import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { buildSync } from 'esbuild';
import { ACTIONS, ORDER, assetOf, assetsOf, newStack, newWorkflow, refusal } from './support';
import { FsmWorkflow, MachineDefinition } from 'cdk-lambda-fsm';

jest.mock('esbuild', () => {
  const esbuild = jest.requireActual('esbuild');
  return { ...esbuild, buildSync: jest.fn(esbuild.buildSync) };
});

const file = (name: string) => path.join(__dirname, 'actions', name);

let temporary: string;
beforeAll(() => {
  temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'actions-')));
});
afterAll(() => rmSync(temporary, { recursive: true }));

/** The asset of a workflow with these actions. */
function deploy(actions: string, externalModules?: string[], outdir?: string): string {
  const stack = newStack(outdir);
  newWorkflow(stack, { actions, externalModules });
  return assetOf(stack);
}

/** What a script prints that is run beside the actions, as Lambda runs its code. */
function runIn(asset: string, script: string): string {
  return execFileSync(process.execPath, ['--enable-source-maps', '--input-type=module', '--eval', script], { cwd: asset, encoding: 'utf8' });
}

test('the function finds the runtime, the machines and the actions side by side', () => {
  const runtime = readdirSync(path.join(__dirname, '../../assets/runtime'));
  expect(runtime).toContain('index.mjs');
  expect(readdirSync(deploy(ACTIONS)).sort()).toEqual([...runtime, 'actions.mjs', 'actions.mjs.map', 'machines.json'].sort());
});

test('the bundle has the actions, and of this package only what they use', () => {
  const asset = deploy(ACTIONS);
  expect(runIn(asset, 'import("./actions.mjs").then(async ({ default: actions }) => console.log(await actions.charge()));')).toBe('charged\n');
  expect(readFileSync(path.join(asset, 'actions.mjs'), 'utf8').length).toBeLessThan(2_000);
});

test('CommonJS dependencies find what they count on, and ES modules may define the same names', () => {
  const asset = deploy(file('commonjs/actions.mts'));
  const answer = runIn(asset, 'import("./actions.mjs").then(async ({ default: actions }) => console.log(JSON.stringify(await actions.reserve())));');
  expect(JSON.parse(answer)).toMatchObject({ directory: realpathSync(asset), file: 'actions.mjs', endOfLine: '\n', mine: 'mine', separator: '/' });
});

test('a stack trace shows the line of the source', () => {
  const trace = runIn(deploy(file('commonjs/actions.mts')), 'import("./actions.mjs").then(({ default: actions }) => actions.charge()).catch(({ stack }) => console.log(stack));');
  expect(trace).toMatch(/Error: declined\n\s+at .*actions\.mts:11:11/);
});

test('external modules stay out', () => {
  const actions = path.join(temporary, 'external.ts');
  writeFileSync(actions, 'import layer from "layer/things";\nexport default { reserve: layer };\n');
  expect(readFileSync(path.join(deploy(actions, ['layer/*']), 'actions.mjs'), 'utf8')).toContain('from "layer/things"');
});

describe('the hash of the code', () => {
  test.each(['order.actions.ts', 'commonjs/actions.mts'])('is the same wherever the files lie, and wherever the output goes: %s', (name) => {
    const hashes = ['a', 'deeply/nested/b'].map((directory) => {
      cpSync(path.join(__dirname, 'actions'), path.join(temporary, directory), { recursive: true });
      return path.basename(deploy(path.join(temporary, directory, name), [], path.join(temporary, directory, 'cdk.out')));
    });
    expect(hashes[0]).toBe(hashes[1]);
  });

  test('changes with the actions, with what they import, and with the machines', () => {
    const directory = path.join(temporary, 'changing');
    cpSync(path.join(__dirname, 'actions'), directory, { recursive: true });
    const actions = path.join(directory, 'commonjs/actions.mts');
    const hashes = [deploy(actions)];
    writeFileSync(path.join(directory, 'commonjs/legacy.cjs'), 'module.exports = { directory: "", file: "", endOfLine: () => "" };');
    hashes.push(deploy(actions));
    writeFileSync(actions, 'export default { reserve: async () => "reserved" };');
    hashes.push(deploy(actions));
    const stack = newStack();
    newWorkflow(stack, { actions, machines: [MachineDefinition.fromObject({ ...ORDER, maxRetries: 6 })] });
    hashes.push(assetOf(stack));
    expect(new Set(hashes.map((asset) => path.basename(asset))).size).toBe(4);
  });
});

test('workflows of an app that share their actions are bundled once, and share the asset', () => {
  const stack = newStack();
  newWorkflow(stack);
  new FsmWorkflow(stack, 'Others', { machines: [MachineDefinition.fromObject(ORDER)], actions: ACTIONS });
  new FsmWorkflow(new Stack(stack.node.root, 'Elsewhere'), 'Others', { machines: [MachineDefinition.fromObject(ORDER)], actions: ACTIONS });
  expect(buildSync).toHaveBeenCalledTimes(1);
  expect(new Set(assetsOf(stack)).size).toBe(1);
});

test('nothing is bundled for a stack that the CLI has not asked for', () => {
  const stack = new Stack(new App({ outdir: temporary, context: { 'aws:cdk:bundling-stacks': ['Another'] } }), 'Stack');
  newWorkflow(stack);
  expect(buildSync).not.toHaveBeenCalled();
});

test('what is odd about the actions is a warning of the workflow', () => {
  const actions = path.join(temporary, 'odd.ts');
  writeFileSync(actions, 'export default { reserve: async (context: object) => typeof context === "strin" };\n');
  const stack = newStack();
  newWorkflow(stack, { actions });
  Annotations.fromStack(stack).hasWarning('/Stack/Orders', Match.stringLikeRegexp('odd\\.ts:1:\\d+: .*"strin"'));
});

describe('what is wrong with the actions is told', () => {
  /** The refusal of a workflow with this text as its actions. */
  function refuse(name: string, text: string): string {
    const actions = path.join(temporary, name);
    writeFileSync(actions, text);
    return refusal(() => ({ actions }));
  }

  test('a syntax error, with file, line and column', () => {
    const message = refuse('syntax.ts', 'export default {\n  reserve: async () => "reserved",,\n};\n');
    expect(message).toMatch(/actions: \/.*\/syntax\.ts:2:35: Expected .*\n\s+2 \| {3}reserve: async/);
  });

  test('imports that cannot be resolved, all of them', () => {
    const message = refuse('unresolved.ts', 'import { charge } from "./nowhere";\nimport reserve from "nobody-has-this";\nexport default { reserve, charge };\n');
    expect(message).toMatch(/unresolved\.ts:1:24: Could not resolve ".\/nowhere"/);
    expect(message).toMatch(/unresolved\.ts:2:21: Could not resolve "nobody-has-this"/);
  });

  test('no default export', () => {
    expect(refuse('no-default.ts', 'export const reserve = async () => "reserved";\n')).toMatch(/no-default\.ts has no default export\. End it with "export default implement/);
  });

  test('a directory', () => {
    expect(refusal(() => ({ actions: temporary }))).toMatch(/there is no file .*\. Give the path/);
  });
});
