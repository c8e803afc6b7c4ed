import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { OutputFormat, SourceMapMode, type BundlingOptions } from 'aws-cdk-lib/aws-lambda-nodejs';
import { OUTPUT, assetOf, newStack, newWorkflow, refusal } from '../../../support/constructs';

function folder(files: Readonly<Record<string, string>>, parent = mkdtempSync(path.join(OUTPUT, 'app-'))): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(parent, name)), { recursive: true });
    writeFileSync(path.join(parent, name), text);
  }
  return parent;
}

function deploy(directory: string, entry: string, bundling: BundlingOptions = {}, parent = '') {
  const stack = newStack(path.join(directory, parent, 'cdk.out'));
  newWorkflow(stack, { actions: path.join(directory, entry), bundling });
  return { stack, asset: assetOf(stack) };
}

/** The results of the actions `reserve` and `charge` of deployed code. */
function results(asset: string): unknown {
  const script = `const module = await import('./actions.mjs'); const actions = module.default.default ?? module.default;
    console.log(JSON.stringify([await actions.reserve(), await actions.charge()]));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: asset, encoding: 'utf8' }),
  );
}

const DUAL = {
  'node_modules/dual/package.json': '{ "name": "dual", "main": "index.js", "module": "index.mjs" }',
  'node_modules/dual/index.js': 'module.exports = () => "main";',
  'node_modules/dual/index.mjs': 'export default () => "module";',
  'node_modules/conditional/package.json':
    '{ "name": "conditional", "exports": { "module": "./bundler.mjs", "import": "./index.mjs", "require": "./index.cjs" } }',
  'node_modules/conditional/index.cjs': 'module.exports = () => "require";',
  'node_modules/conditional/index.mjs': 'export default () => "import";',
  'node_modules/conditional/bundler.mjs': 'export default () => "bundler";',
  'node_modules/client/package.json': '{ "name": "client", "main": "index.js" }',
  'node_modules/client/index.js': 'exports.dual = require("dual"); exports.conditional = require("conditional");',
};

describe('packages with several forms resolve as in Node.js', () => {
  test('if CommonJS requires them', () => {
    const app = folder({
      ...DUAL,
      'a.mjs':
        'import { dual, conditional } from "client"; export default { reserve: () => dual(), charge: () => conditional() };',
    });
    expect(results(deploy(app, 'a.mjs').asset)).toEqual(['main', 'require']);
  });

  test('if an ES module imports them', () => {
    const app = folder({
      ...DUAL,
      'a.mjs':
        'import dual from "dual"; import conditional from "conditional"; export default { reserve: () => dual(), charge: () => conditional() };',
    });
    expect(results(deploy(app, 'a.mjs').asset)).toEqual(['main', 'import']);
  });
});

describe('warns about', () => {
  const ACTIONS = 'export default { reserve: () => "reserved", charge: () => "charged" };';
  test.each([
    [
      'a file next to the code',
      `import { readFileSync } from 'node:fs'; import { join } from 'node:path'; readFileSync(join(__dirname, 'x'));`,
    ],
    ['a file by URL', `import { readFileSync } from 'node:fs'; readFileSync(new URL('./x', import.meta.url));`],
    ['a file in the working directory', `import * as fs from 'node:fs'; fs.readFileSync('templates/x');`],
    ['a worker', `import { Worker } from 'node:worker_threads'; new Worker('./w.js');`],
    ['a required variable', `const name = process.env.X; if (name) require(name);`],
    ['an imported variable', `const name = process.env.X; if (name) await import(name);`],
  ])('%s', (_, text) => {
    const { stack } = deploy(folder({ 'a.ts': `${text}\n${ACTIONS}` }), 'a.ts');
    Annotations.fromStack(stack).hasWarning('/Stack/Orders', Match.stringLikeRegexp('a\\.ts'));
  });

  test('a package that reads its own files, by its name', () => {
    const app = folder({
      'a.ts': `import '@scope/fonts'; ${ACTIONS}`,
      'node_modules/@scope/fonts/package.json': '{ "name": "@scope/fonts", "main": "index.js" }',
      'node_modules/@scope/fonts/index.js': 'exports.font = () => require("fs").readFileSync(__dirname + "/a.ttf");',
    });
    const { stack } = deploy(app, 'a.ts');
    Annotations.fromStack(stack).hasWarning(
      '/Stack/Orders',
      Match.stringLikeRegexp('package "@scope/fonts" finds files'),
    );
  });

  test('none of the AWS clients', () => {
    const names = ['dynamodb', 'sqs', 'sns', 'kinesis', 'ecs', 'cloudwatch', 'secrets-manager', 'lambda'];
    const imports = names
      .map((name) => `export * as ${name.replace('-', '')} from '@aws-sdk/client-${name}';`)
      .join('\n');
    const app = folder({ 'a.ts': `${imports}\n${ACTIONS}` });
    symlinkSync(path.join(__dirname, '../../../../node_modules'), path.join(app, 'node_modules'));
    const { stack } = deploy(app, 'a.ts');
    Annotations.fromStack(stack).hasNoWarning('/Stack/Orders', Match.anyValue());
  });
});

describe('options', () => {
  test('of esbuild apply', () => {
    const app = folder({
      'a.ts': `import text from './mail.html'; export default { reserve: () => text, charge: () => [STAGE, INJECTED] };`,
      'mail.html': '<p>',
      'inject.ts': 'export const INJECTED = "injected";',
    });
    const { asset } = deploy(app, 'a.ts', {
      loader: { '.html': 'text' },
      define: { STAGE: '"prod"' },
      inject: [path.join(app, 'inject.ts')],
      minify: true,
      sourceMapMode: SourceMapMode.INLINE,
      metafile: true,
      banner: '/* mine */',
      esbuildArgs: { '--log-limit': '0', '--drop:console': true, '--conditions': 'a,b' },
    });
    expect(results(asset)).toEqual(['<p>', ['prod', 'injected']]);
    expect(readdirSync(asset)).toEqual(expect.arrayContaining(['actions.meta.json']));
    expect(existsSync(path.join(asset, 'actions.mjs.map'))).toBe(false);
    expect(readFileSync(path.join(asset, 'actions.mjs'), 'utf8')).toContain('/* mine */');
  });

  test('bundle CommonJS', () => {
    const app = folder({ 'a.ts': `export default { reserve: () => typeof require, charge: () => typeof module };` });
    expect(results(deploy(app, 'a.ts', { format: OutputFormat.CJS }).asset)).toEqual(['function', 'object']);
  });

  test('run commands that copy files', () => {
    const app = folder({
      'a.ts': `import { readFileSync } from 'node:fs'; import { join } from 'node:path';
        const mail = readFileSync(join(__dirname, 'mail.html'), 'utf8');
        export default { reserve: () => mail, charge: () => process.env.NOTHING ?? null };`,
      'mail.html': '<p>',
    });
    const { stack, asset } = deploy(app, 'a.ts', {
      commandHooks: {
        beforeBundling: () => [],
        beforeInstall: () => [],
        afterBundling: (input, output) => [`cp ${input}/mail.html ${output}`],
      },
    });
    expect(results(asset)).toEqual(['<p>', null]);
    Annotations.fromStack(stack).hasNoWarning('/Stack/Orders', Match.anyValue());
  });

  test('install modules next to the bundle', () => {
    const leaf = folder({
      'package.json': '{ "name": "leaf", "version": "1.0.0" }',
      'index.js': 'module.exports = () => __dirname;',
    });
    const tarball = execFileSync('npm', ['pack', '--silent'], { cwd: leaf, encoding: 'utf8' }).trim();
    const app = folder({
      'package.json': JSON.stringify({ dependencies: { leaf: `file:${path.join(leaf, tarball)}` } }),
      'a.ts': `import leaf from 'leaf'; export default { reserve: () => leaf(), charge: () => 1 };`,
    });
    execFileSync('npm', ['install', '--package-lock-only', '--offline'], { cwd: app, stdio: 'ignore' });
    const { asset } = deploy(app, 'a.ts', { nodeModules: ['leaf'] });
    expect(results(asset)).toEqual([path.join(asset, 'node_modules/leaf'), 1]);
  });

  test('that have no effect, or are invalid, are errors', () => {
    expect(refusal(() => ({ bundling: { forceDockerBundling: true, esbuildVersion: '1' } }))).toContain(
      'bundling: "esbuildVersion", "forceDockerBundling" would have no effect',
    );
    expect(refusal(() => ({ bundling: { preCompilation: true } }))).toContain('Compile the actions with tsc');
    expect(refusal(() => ({ bundling: { nodeModules: ['nowhere'] } }))).toContain('nodeModules: "nowhere" is neither');
    expect(refusal(() => ({ bundling: { esbuildArgs: { '--no-such-option': true } } }))).toContain('noSuchOption');
  });
});

describe('decorators', () => {
  const files = (options: string) => ({
    'tsconfig.json': `{ "extends": "./base", /* "emitDecoratorMetadata": true */ "compilerOptions": { "experimentalDecorators": true } }`,
    'base.json': `{ "compilerOptions": { ${options} } } // base`,
    'a.ts': `const logged = (_: object, __: string) => undefined;
      class Actions { @logged reserve() { return 'r'; } @logged charge() { return 'c'; } } export default new Actions();`,
  });

  test('with metadata are an error', () => {
    const app = folder(files('"emitDecoratorMetadata": true'));
    expect(refusal(() => ({ actions: path.join(app, 'a.ts') }))).toMatch(/esbuild emits no metadata for decorators/);
  });

  test('without metadata work', () => {
    expect(results(deploy(folder(files('')), 'a.ts').asset)).toEqual(['r', 'c']);
  });
});

test('the hash of the code does not depend on where a package manager keeps its packages', () => {
  const store = folder({
    'cache/dep/node_modules/dep/package.json': '{ "name": "dep", "main": "index.js" }',
    'cache/dep/node_modules/dep/index.js': 'module.exports = () => "dep";',
    'linked/index.js': 'module.exports = () => "linked";',
    'linked/package.json': '{ "name": "linked", "main": "index.js" }',
  });
  const hashes = ['a', 'deeply/nested/b'].map((parent) => {
    const app = folder({
      [`${parent}/package-lock.json`]: '{}',
      [`${parent}/src/a.ts`]: `import dep from 'dep'; import linked from 'linked'; export default { reserve: dep, charge: linked };`,
      [`${parent}/node_modules/.keep`]: '',
    });
    symlinkSync(path.join(store, 'cache/dep/node_modules/dep'), path.join(app, parent, 'node_modules/dep'));
    symlinkSync(path.join(store, 'linked'), path.join(app, parent, 'node_modules/linked'));
    const { asset } = deploy(app, `${parent}/src/a.ts`, {}, parent);
    expect(results(asset)).toEqual(['dep', 'linked']);
    return path.basename(asset);
  });
  expect(hashes[0]).toBe(hashes[1]);
});
