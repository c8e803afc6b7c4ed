import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../emulator';
import { run } from '../processes';
import { PROJECT, WORKSPACE } from '../toolchain';

/** The contracts of the ports, as their tests name them. */
const FOLDER = join(PROJECT, 'test', 'contract');
const CONTRACTS = readdirSync(FOLDER).flatMap((file) => (
  / as a (?<port>[a-z ]+)`/.exec(readFileSync(join(FOLDER, file), 'utf8'))?.groups?.port ?? []
));

/** What the emulator does not do as AWS does and the adapters count on, by the tests that show it: nothing, at present. */
const DEVIATIONS: Readonly<Record<string, string>> = {};

/** That part of Jest's report that is read here. */
interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Result[] }[];
}

interface Result {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

void test('The adapters keep the contracts of their ports on the emulated account, as they do on the embedded servers', async () => {
  const file = join(WORKSPACE, 'run', 'contracts.json');
  // It ends with 1 when a test fails; what has failed is in the report.
  await run(process.execPath, [
    join(PROJECT, 'node_modules', 'jest', 'bin', 'jest.js'), '--ci', '--json', '--outputFile', file, '--maxWorkers', '2', '--testTimeout', '60000',
    '--testNamePattern', ` as a (${CONTRACTS.join('|')}) `, 'test/aws/(?!lock-cache)',
  ], {
    cwd: PROJECT,
    env: {
      ...process.env,
      FSM_TEST_ENDPOINT: process.env.AWS_ENDPOINT_URL,
      AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
      NODE_TEST_CONTEXT: undefined,
    },
  }).catch(() => undefined);
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report; // Jest's format.
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = results.filter(({ status }) => status === 'failed');
  assert.deepEqual(
    failed.filter(({ fullName }) => !(fullName in DEVIATIONS)).map(({ fullName, failureMessages }) => [fullName, ...failureMessages].join('\n')), [],
  );
  assert.deepEqual(
    Object.keys(DEVIATIONS).filter((name) => !failed.some(({ fullName }) => fullName === name)), [], 'The emulator does this as AWS does now',
  );
  for (const contract of CONTRACTS) {
    assert.ok(results.some(({ fullName, status }) => status === 'passed' && fullName.includes(` as a ${contract} `)), `No ${contract} was tested`);
  }
});
