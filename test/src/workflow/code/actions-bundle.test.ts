import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { buildSync } from 'esbuild';
import { ACTIONS, ORDER, assetOf, assetsOf, newStack, newWorkflow, refusal } from '../../../support/constructs';
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

/** The directory of the deployed code of a workflow with these actions. */
function deploy(actions: string, externalModules?: string[], outdir?: string): string {
  const stack = newStack(outdir);
  newWorkflow(stack, { actions, bundling: { externalModules } });
  return assetOf(stack);
}

/** The output of a script that runs next to the actions, as in Lambda. */
function runIn(asset: string, script: string): string {
  return execFileSync(process.execPath, ['--enable-source-maps', '--input-type=module', '--eval', script], {
    cwd: asset,
    encoding: 'utf8',
  });
}

test('deploys the runtime, the machines and the actions side by side', () => {
  const runtime = readdirSync(path.join(__dirname, '../../../../assets/runtime'));
  expect(runtime).toContain('index.mjs');
  expect(readdirSync(deploy(ACTIONS)).sort()).toEqual(
    [...runtime, 'actions.mjs', 'actions.mjs.map', 'configuration.json', 'machines.json'].sort(),
  );
});

test('bundles the actions with only the parts of this package that they use', () => {
  const asset = deploy(ACTIONS);
  expect(
    runIn(asset, 'import("./actions.mjs").then(async ({ default: actions }) => console.log(await actions.charge()));'),
  ).toBe('charged\n');
  expect(readFileSync(path.join(asset, 'actions.mjs'), 'utf8').length).toBeLessThan(2_000);
});

test('CommonJS dependencies can use require, __dirname and __filename, and ES modules can define the same names', () => {
  const asset = deploy(file('commonjs/actions.mts'));
  const answer = runIn(
    asset,
    'import("./actions.mjs").then(async ({ default: actions }) => console.log(JSON.stringify(await actions.reserve())));',
  );
  expect(JSON.parse(answer)).toMatchObject({
    directory: realpathSync(asset),
    file: 'actions.mjs',
    endOfLine: '\n',
    mine: 'mine',
    separator: '/',
  });
});

test('stack traces contain the source lines of actions', () => {
  const trace = runIn(
    deploy(file('commonjs/actions.mts')),
    'import("./actions.mjs").then(({ default: actions }) => actions.charge()).catch(({ stack }) => console.log(stack));',
  );
  expect(trace).toMatch(/Error: declined\n\s+at .*actions\.mts:16:11/);
});

test('does not bundle external modules', () => {
  const actions = path.join(temporary, 'external.ts');
  writeFileSync(actions, 'import layer from "layer/things";\nexport default { reserve: layer };\n');
  expect(readFileSync(path.join(deploy(actions, ['layer/*']), 'actions.mjs'), 'utf8')).toContain('from "layer/things"');
});

describe('the hash of the code', () => {
  test.each(['order.actions.ts', 'commonjs/actions.mts'])(
    'is independent of the directories of %s and of the output',
    (name) => {
      const hashes = ['a', 'deeply/nested/b'].map((directory) => {
        cpSync(path.join(__dirname, 'actions'), path.join(temporary, directory), { recursive: true });
        return path.basename(
          deploy(path.join(temporary, directory, name), [], path.join(temporary, directory, 'cdk.out')),
        );
      });
      expect(hashes[0]).toBe(hashes[1]);
    },
  );

  test('changes with the actions, their imports and the machines', () => {
    const directory = path.join(temporary, 'changing');
    cpSync(path.join(__dirname, 'actions'), directory, { recursive: true });
    const actions = path.join(directory, 'commonjs/actions.mts');
    const hashes = [deploy(actions)];
    writeFileSync(
      path.join(directory, 'commonjs/legacy.cjs'),
      'module.exports = { directory: "", file: "", endOfLine: () => "" };',
    );
    hashes.push(deploy(actions));
    writeFileSync(actions, 'export default { reserve: async () => "reserved", charge: async () => "charged" };');
    hashes.push(deploy(actions));
    const stack = newStack();
    newWorkflow(stack, { actions, machines: [MachineDefinition.fromObject({ ...ORDER, maxRetries: 6 })] });
    hashes.push(assetOf(stack));
    expect(new Set(hashes.map((asset) => path.basename(asset))).size).toBe(4);
  });
});

test('workflows with the same actions share one bundle and one asset', () => {
  const stack = newStack();
  newWorkflow(stack);
  new FsmWorkflow(stack, 'Others', { machines: [MachineDefinition.fromObject(ORDER)], actions: ACTIONS });
  new FsmWorkflow(new Stack(stack.node.root, 'Elsewhere'), 'Others', {
    machines: [MachineDefinition.fromObject(ORDER)],
    actions: ACTIONS,
  });
  expect(buildSync).toHaveBeenCalledTimes(1);
  expect(new Set(assetsOf(stack)).size).toBe(1);
});

test('bundles nothing for a stack that the CLI does not select', () => {
  const stack = new Stack(new App({ outdir: temporary, context: { 'aws:cdk:bundling-stacks': ['Another'] } }), 'Stack');
  newWorkflow(stack);
  expect(buildSync).not.toHaveBeenCalled();
});

test('reports warnings about actions as annotations of the workflow', () => {
  const actions = path.join(temporary, 'odd.ts');
  writeFileSync(
    actions,
    'export default { charge: () => "charged", reserve: (context: object) => typeof context === "strin" };\n',
  );
  const stack = newStack();
  newWorkflow(stack, { actions });
  Annotations.fromStack(stack).hasWarning('/Stack/Orders', Match.stringLikeRegexp('odd\\.ts:1:\\d+: .*"strin"'));
});

describe('rejects actions with', () => {
  /** The error of a workflow whose actions file contains the text. */
  function refuse(name: string, text: string): string {
    const actions = path.join(temporary, name);
    writeFileSync(actions, text);
    return refusal(() => ({ actions }));
  }

  test('a syntax error, and reports file, line and column', () => {
    const message = refuse('syntax.ts', 'export default {\n  reserve: async () => "reserved",,\n};\n');
    expect(message).toMatch(/actions: \/.*\/syntax\.ts:2:35: Expected .*\n\s+2 \| {3}reserve: async/);
  });

  test('unresolved imports, and reports all of them', () => {
    const message = refuse(
      'unresolved.ts',
      'import { charge } from "./nowhere";\nimport reserve from "missing-module";\nexport default { reserve, charge };\n',
    );
    expect(message).toMatch(/unresolved\.ts:1:24: Could not resolve ".\/nowhere"/);
    expect(message).toMatch(/unresolved\.ts:2:21: Could not resolve "missing-module"/);
  });

  test('no export', () => {
    expect(refuse('no-export.ts', 'export type Order = object;\nconsole.log("loaded");\n')).toMatch(
      /no-export\.ts exports nothing\. Add "export default implement/,
    );
  });

  test('the path of a directory', () => {
    expect(refusal(() => ({ actions: temporary }))).toMatch(/the file .* does not exist\. Set actions to the path/);
  });
});
