/*
 * A new project, as the README describes it: the packed package and the packages that the README lists, installed from the registry, with
 * the code of the README.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as ts from 'typescript';
import { blocksOf } from '../support/snippets';

const ROOT = join(__dirname, '..', '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The README says which packages a bundler needs, and which of them Node.js does not load for a workflow on SQS and DynamoDB. */
const CLIENT_PACKAGES = [...README.matchAll(/^npm install ((?:@aws-sdk\/[\w-]+ ?)+)$/gm)].flatMap(([, list = '']) =>
  list.trim().split(' '),
);
const NOT_LOADED = ['@aws-sdk/client-kinesis', '@aws-sdk/client-sns'];

/** The app of the README, with two functions that use the client. The default runtime of new apps has a bundle with the AWS SDK. */
const APP = `
import { App } from 'aws-cdk-lib';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { OrderStack } from './order-stack';
const app = new App({ outdir: 'cdk.out', context: { '@aws-cdk/aws-lambda-nodejs:useLatestRuntimeVersion': true } });
const stack = new OrderStack(app, 'Orders');
const options = { entry: 'shop.ts', handler: 'placeOrder' };
new NodejsFunction(stack, 'Bundled', options);
new NodejsFunction(stack, 'Lean', { ...options, runtime: Runtime.NODEJS_22_X });
app.synth();
`;

/** The configuration of a client of a workflow on SQS and DynamoDB. */
const CONFIGURATION = {
  workflow: 'orders',
  machines: ['order'],
  region: 'eu-west-1',
  eventSource: { service: 'sqs', queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/events' },
  retryQueues: [{ service: 'sqs', queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/retries' }],
  lockTable: { service: 'dynamodb', tableName: 'locks', retentionDays: 30 },
  checkpointTable: { service: 'dynamodb', tableName: 'checkpoints', retentionDays: 30 },
  deadLetterQueue: { service: 'sqs', queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters' },
};

/** Creates the project in an empty folder. */
export function createProject(folder: string, archive: string): void {
  if (CLIENT_PACKAGES.length === 0) throw new Error('README.md has no line "npm install @aws-sdk/…".');
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const pinned = ['aws-cdk-lib', 'constructs', ...CLIENT_PACKAGES].map((name) => `${name}@${devDependencies[name]}`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', archive, 'esbuild', ...pinned], {
    cwd: folder,
    stdio: 'pipe',
  });
  for (const { name, code } of blocksOf(README)) {
    if (name?.endsWith('.ts')) writeFileSync(join(folder, name), code);
  }
  writeFileSync(join(folder, 'app.ts'), APP);
}

/** Bundles the README's `shop.ts` with the defaults of `NodejsFunction`, and calls it. */
export async function checkBundle(folder: string): Promise<void> {
  execFileSync(process.execPath, [join(ROOT, 'node_modules/tsx/dist/cli.mjs'), 'app.ts'], {
    cwd: folder,
    stdio: 'pipe',
  });
  const output = join(folder, 'cdk.out');
  const bundles = readdirSync(output).filter((name) => existsSync(join(output, name, 'index.js')));
  if (bundles.length !== 2) throw new Error(`Expected two bundles, found ${bundles.length}.`);
  for (const name of bundles) await placeOrder(output, `require('./${name}/index.js')`);
}

/** Calls the README's `shop.ts` in Node.js as a CommonJS module and as an ES module, without the packages that it does not need. */
export async function checkPlainNode(folder: string): Promise<void> {
  for (const name of NOT_LOADED) rmSync(join(folder, 'node_modules', name), { recursive: true });
  const source = readFileSync(join(folder, 'shop.ts'), 'utf8');
  for (const [extension, module] of [
    ['cjs', ts.ModuleKind.CommonJS],
    ['mjs', ts.ModuleKind.ES2022],
  ] as const) {
    const { outputText } = ts.transpileModule(source, { compilerOptions: { module, target: ts.ScriptTarget.ES2022 } });
    writeFileSync(join(folder, `shop.${extension}`), outputText);
    await placeOrder(folder, `await import('./shop.${extension}')`);
  }
}

/** Places an order. The services answer that their resources do not exist, which the client reports after a request of the AWS SDK. */
async function placeOrder(folder: string, load: string): Promise<void> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end('{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"none"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const script = `(async () => {
      const shop = ${load};
      const { code, message } = await shop.placeOrder('tea', '4711').then((outcome) => ({ code: outcome }), (error) => error);
      if (code !== 'RESOURCE_NOT_FOUND') { console.error(code, message); process.exit(1); }
    })();`;
    await run(folder, script, {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      FSM_WORKFLOW: JSON.stringify(CONFIGURATION),
    });
  } finally {
    server.close();
  }
}

async function run(cwd: string, script: string, env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, ['-e', script], { cwd, env: { ...process.env, ...env } });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(output);
}
