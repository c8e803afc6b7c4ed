import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { connect } from '../../../../lambda/aws/connect';
import { LockCache } from '../../../../lambda/aws/elasticache/lock-cache';
import type { WorkflowConfiguration } from '../../../../lambda/contract/configuration';
import { SecretsServer } from '../../../support/servers/secrets-server';

const CONFIGURATION: WorkflowConfiguration = {
  workflow: 'Orders',
  machines: ['order'],
  eventSource: { service: 'dynamodb' },
  retryQueues: [{ service: 'dynamodb', tableName: 'Retries', shards: 1 }],
  lockTable: {
    service: 'elasticache',
    endpoint: 'localhost:1',
    cacheName: 'locks',
    userName: 'locks',
    region: 'eu-west-1',
    retentionDays: 30,
  },
  checkpointTable: { service: 'dynamodb', tableName: 'Checkpoints', retentionDays: 30 },
  deadLetterQueue: { service: 'sqs', queueUrl: 'http://localhost:1/dead' },
};

beforeEach(() => {
  Object.assign(process.env, { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
});

describe('connect, with locks in a cache', () => {
  test('provides the cache through the port, and names it if it cannot be reached', async () => {
    const { ports, close } = await connect(CONFIGURATION);
    expect(ports.locks).toBeInstanceOf(LockCache);
    await expect(ports.locks.read('e')).rejects.toThrow(
      /the lock cache at localhost:1 failed 3 times, most recently with: .*ECONNREFUSED/,
    );
    close();
  });

  test('reads the password of the cache when it connects', async () => {
    const server = await SecretsServer.start();
    Object.assign(process.env, server.environment);
    server.secrets.set('arn:locks', 'the password');
    const { ports, close } = await connect({
      ...CONFIGURATION,
      lockTable: {
        service: 'elasticache',
        endpoint: 'localhost:1',
        userName: 'default',
        passwordSecret: 'arn:locks',
        retentionDays: 30,
      },
    });
    await expect(ports.locks.read('e')).rejects.toThrow(/failed 3 times, most recently with: .*ECONNREFUSED/);
    expect(server.requests).toEqual(['arn:locks', 'arn:locks', 'arn:locks']);
    close();
    await server.stop();
  });

  test('loads the client only for a cache', async () => {
    const isLoaded = async (configuration: WorkflowConfiguration) => {
      let loaded = false;
      await jest.isolateModulesAsync(async () => {
        jest.doMock('../../../../lambda/aws/elasticache/index.js', () => {
          loaded = true;
          return jest.requireActual<object>('../../../../lambda/aws/elasticache/index.js');
        });
        const { connect: connectAnew } = await import('../../../../lambda/aws/connect.js');
        (await connectAnew(configuration)).close();
      });
      return loaded;
    };
    expect(await isLoaded(CONFIGURATION)).toBe(true);
    expect(await isLoaded({ ...CONFIGURATION, lockTable: CONFIGURATION.checkpointTable })).toBe(false);
  });
});

describe('a bundle', () => {
  const root = join(__dirname, '..', '..', '..', '..');
  const outdir = mkdtempSync(join(tmpdir(), 'bundle-'));
  afterAll(() => rmSync(outdir, { recursive: true, force: true }));

  test('of a client does not need the packages for caches and monitoring', async () => {
    const { errors } = await build({
      absWorkingDir: root,
      entryPoints: ['lambda/client/index.ts'],
      bundle: true,
      write: false,
      platform: 'node',
      external: [
        '@aws-sdk/client-dynamodb',
        '@aws-sdk/client-sqs',
        '@aws-sdk/client-kinesis',
        '@aws-sdk/client-sns',
        '@aws-sdk/credential*',
        '@smithy/*',
      ],
      alias: {
        iovalkey: 'package-that-is-not-installed',
        '@aws-sdk/client-secrets-manager': 'package-that-is-not-installed',
      },
      logLevel: 'silent',
    });
    expect(errors).toEqual([]);
  });

  test("like the runtime's connects", async () => {
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
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    const program = `
      const { ElastiCache } = await import(${JSON.stringify(join(outdir, 'index.mjs'))});
      const clock = { now: () => Date.now(), sleep: async () => undefined };
      const cache = new ElastiCache({ clock });
      await cache.lockCache(${JSON.stringify(CONFIGURATION.lockTable)}).read('e').catch(({ message }) => console.log(message));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      env: process.env,
    });
    expect(output).toMatch(/failed 3 times, most recently with: .*ECONNREFUSED/);
  });
});
