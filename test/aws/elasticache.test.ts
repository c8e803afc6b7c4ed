import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { SecretsServer } from './secrets-server';
import type { WorkflowConfiguration } from '../../lambda/aws/configuration';
import { connect } from '../../lambda/aws/connect';
import { LockCache } from '../../lambda/aws/elasticache/lock-cache';

const CONFIGURATION: WorkflowConfiguration = {
  workflow: 'Orders',
  machines: ['order'],
  eventSource: { service: 'dynamodb' },
  retryQueues: [{ service: 'dynamodb', tableName: 'Retries', shards: 1 }],
  lockTable: { service: 'elasticache', endpoint: 'localhost:1', cacheName: 'locks', userName: 'locks', region: 'eu-west-1', retentionDays: 30 },
  checkpointTable: { service: 'dynamodb', tableName: 'Checkpoints', retentionDays: 30 },
  deadLetterQueue: { service: 'sqs', queueUrl: 'http://localhost:1/dead' },
};

beforeEach(() => {
  Object.assign(process.env, { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
});

describe('connect, with locks in a cache', () => {
  it('has the cache behind the port, and tells where it is when it cannot be reached', async () => {
    const { ports, close } = await connect(CONFIGURATION);
    expect(ports.locks).toBeInstanceOf(LockCache);
    await expect(ports.locks.read('e')).rejects.toThrow(/The lock cache at localhost:1 has failed 3 times, at last with: .*ECONNREFUSED/);
    close();
  });

  it('reads the password of a cache that has one, when it connects', async () => {
    const server = await SecretsServer.start();
    Object.assign(process.env, server.environment);
    server.secrets.set('arn:locks', 'the password');
    const { ports, close } = await connect({
      ...CONFIGURATION,
      lockTable: { service: 'elasticache', endpoint: 'localhost:1', userName: 'default', passwordSecret: 'arn:locks', retentionDays: 30 },
    });
    await expect(ports.locks.read('e')).rejects.toThrow(/has failed 3 times, at last with: .*ECONNREFUSED/);
    expect(server.requests).toEqual(['arn:locks', 'arn:locks', 'arn:locks']);
    close();
    await server.stop();
  });

  it('loads the client only where there is a cache', async () => {
    const isLoaded = async (configuration: WorkflowConfiguration) => {
      let loaded = false;
      await jest.isolateModulesAsync(async () => {
        jest.doMock('../../lambda/aws/elasticache/index.js', () => {
          loaded = true;
          return jest.requireActual<object>('../../lambda/aws/elasticache/index.js');
        });
        const { connect: connectAnew } = await import('../../lambda/aws/connect.js');
        (await connectAnew(configuration)).close();
      });
      return loaded;
    };
    expect(await isLoaded(CONFIGURATION)).toBe(true);
    expect(await isLoaded({ ...CONFIGURATION, lockTable: CONFIGURATION.checkpointTable })).toBe(false);
  });
});

describe('a bundle', () => {
  const root = join(__dirname, '..', '..');
  const outdir = mkdtempSync(join(tmpdir(), 'bundle-'));
  afterAll(() => rmSync(outdir, { recursive: true, force: true }));

  it('of a client can be made where the clients for a cache are not installed, nor those that watch the function', async () => {
    const { errors } = await build({
      absWorkingDir: root,
      entryPoints: ['lambda/client/index.ts'],
      bundle: true,
      write: false,
      platform: 'node',
      external: ['@aws-sdk/client-dynamodb', '@aws-sdk/client-sqs', '@aws-sdk/client-kinesis', '@aws-sdk/client-sns', '@aws-sdk/credential*', '@smithy/*'],
      alias: { 'iovalkey': 'package-that-is-not-installed', '@aws-sdk/client-secrets-manager': 'package-that-is-not-installed' },
      logLevel: 'silent',
    });
    expect(errors).toEqual([]);
  });

  it('like that of the runtime connects', async () => {
    await build({
      absWorkingDir: root,
      entryPoints: ['lambda/aws/elasticache/index.ts'],
      outdir,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      mainFields: ['module', 'main'],
      minify: true,
      banner: { js: 'import { createRequire } from \'node:module\'; const require = createRequire(import.meta.url);' },
    });
    const program = `
      const { ElastiCache } = await import(${JSON.stringify(join(outdir, 'index.mjs'))});
      const cache = new ElastiCache({ clock: { now: () => Date.now(), sleep: async () => undefined } });
      await cache.lockCache(${JSON.stringify(CONFIGURATION.lockTable)}).read('e').catch(({ message }) => console.log(message));`;
    const told = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8', env: process.env });
    expect(told).toMatch(/has failed 3 times, at last with: .*ECONNREFUSED/);
  });
});
