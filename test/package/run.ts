/*
 * Checks the package that `npx projen package` has put into dist/js, as its users install it: a user's file compiles under each way of
 * resolving modules, Node.js loads each subpath, the client stays small in a bundle, and the code of the README works in a new project.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { checkBundle, checkPlainNode, createProject } from './project';

const ROOT = join(__dirname, '..', '..');
const MAX_CLIENT_BYTES = 60 * 1024;

/** The packages that a user's app has beside this one. */
const NEIGHBORS = ['aws-cdk-lib', 'constructs', '@types/node', '@aws-sdk', '@smithy'];

/** How compilers resolve modules: CDK apps of several years, ES modules, and bundlers. */
const RESOLUTIONS = [
  { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

async function main(folder: string): Promise<boolean> {
  const app = join(folder, 'app');
  const project = join(folder, 'project');
  const archive = packedArchive();
  install(app, archive);
  mkdirSync(project);
  const results = [
    ...(await Promise.all(
      RESOLUTIONS.map((options) => check(`compiles with ${options.moduleResolution}`, () => compile(app, options))),
    )),
    await check('loads each subpath', () => load(app)),
    await check(`bundles the client into at most ${MAX_CLIENT_BYTES / 1024} KB`, () => bundle(app)),
    await check('installs with the packages that the README lists', () => createProject(project, archive)),
    await check("bundles and runs the README's client in a NodejsFunction", async () => checkBundle(project)),
    await check("runs the README's client in Node.js", async () => checkPlainNode(project)),
  ];
  const passed = results.filter(Boolean).length;
  console.log(`Tests: ${passed} passed, ${results.length - passed} failed`);
  return passed === results.length;
}

function packedArchive(): string {
  const [archive, ...others] = readdirSync(join(ROOT, 'dist', 'js')).filter((name) => name.endsWith('.tgz'));
  if (!archive || others.length > 0) {
    throw new Error('Expected one package in dist/js. Run "npx projen package" first.');
  }
  return join(ROOT, 'dist', 'js', archive);
}

function install(app: string, archive: string): void {
  const modules = join(app, 'node_modules');
  const folder = join(modules, 'cdk-lambda-fsm');
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['xzf', archive, '-C', folder, '--strip-components', '1']);
  for (const name of NEIGHBORS) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  cpSync(join(__dirname, 'app.ts'), join(app, 'app.ts'));
}

function compile(app: string, options: object): void {
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
    ...options,
  };
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', app], { stdio: 'pipe' });
}

function load(app: string): void {
  const subpaths = ['', '/machine', '/runtime', '/client', '/client/lock-cache', '/testing'].map(
    (path) => `cdk-lambda-fsm${path}`,
  );
  const script = subpaths.map(
    (path) => `if (Object.keys(require('${path}')).length === 0) throw new Error('${path} is empty');`,
  );
  execFileSync(process.execPath, ['-e', script.join('\n')], { cwd: app, stdio: 'pipe' });
}

/** As NodejsFunction bundles a function: one CommonJS file without the AWS SDK. */
function bundle(app: string): void {
  const { outputFiles } = buildSync({
    absWorkingDir: app,
    stdin: { contents: "export { WorkflowClient } from 'cdk-lambda-fsm/client';", resolveDir: app },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['@aws-sdk/*', '@smithy/*'],
    write: false,
    logLevel: 'silent',
  });
  const bytes = outputFiles[0]?.contents.length ?? 0;
  if (bytes === 0 || bytes > MAX_CLIENT_BYTES) throw new Error(`The client has ${bytes} bytes.`);
}

async function check(name: string, run: () => void | Promise<void>): Promise<boolean> {
  try {
    await run();
    console.log(`  ✓ ${name}`);
    return true;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    const output = [stdout, stderr].map((text) => text?.toString() ?? '').join('');
    console.log(`  ✗ ${name}: ${error instanceof Error ? error.message : String(error)}\n${output}`);
    return false;
  }
}

const folder = mkdtempSync(join(tmpdir(), 'package-'));
void main(folder)
  .then((passed) => {
    process.exitCode = passed ? 0 : 1;
  })
  .finally(() => rmSync(folder, { recursive: true, force: true }));
