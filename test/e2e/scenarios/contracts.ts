import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../support/processes';
import { ROOT } from '../emulator';
import { PROJECT, WORKSPACE } from '../toolchain';

const FOLDER = join(PROJECT, 'test', 'contracts');

/** The names of the port contracts, taken from their tests. */
const CONTRACTS = readdirSync(FOLDER).flatMap(
  (file) => / as a (?<port>[a-z ]+)`/.exec(readFileSync(join(FOLDER, file), 'utf8'))?.groups?.port ?? [],
);

/** Deviations of the emulator from AWS on which adapters depend, by the name of the failing test. There are none. */
const DEVIATIONS: Readonly<Record<string, string>> = {};

/** The part of Jest's report that this test reads. */
interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Result[] }[];
}

interface Result {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

void test('The adapters fulfill the contracts of their ports on the emulated account', async () => {
  const file = join(WORKSPACE, 'run', 'contracts.json');
  // Jest fails if a test fails; the report lists the failed tests.
  await run(
    process.execPath,
    [
      join(PROJECT, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--ci',
      '--json',
      '--outputFile',
      file,
      '--maxWorkers',
      '2',
      '--testTimeout',
      '60000',
      '--testNamePattern',
      ` as a (${CONTRACTS.join('|')}) `,
      'test/embedded/aws/(?!elasticache)',
    ],
    {
      cwd: PROJECT,
      env: {
        ...process.env,
        FSM_TEST_ENDPOINT: process.env.AWS_ENDPOINT_URL,
        AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
        AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
        NODE_TEST_CONTEXT: undefined,
      },
    },
  ).catch(() => undefined);
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report; // Jest writes this format.
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = results.filter(({ status }) => status === 'failed');
  assert.deepEqual(
    failed
      .filter(({ fullName }) => !(fullName in DEVIATIONS))
      .map(({ fullName, failureMessages }) => [fullName, ...failureMessages].join('\n')),
    [],
  );
  assert.deepEqual(
    Object.keys(DEVIATIONS).filter((name) => !failed.some(({ fullName }) => fullName === name)),
    [],
    'The emulator no longer deviates from AWS: remove these entries of DEVIATIONS',
  );
  for (const contract of CONTRACTS) {
    assert.ok(
      results.some(({ fullName, status }) => status === 'passed' && fullName.includes(` as a ${contract} `)),
      `No ${contract} was tested`,
    );
  }
});
