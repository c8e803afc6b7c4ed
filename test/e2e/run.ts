/*
 * Deploys workflows with the CDK to an emulated AWS account, and runs executions there.
 *
 *   npm run e2e                runs all scenarios
 *   npm run e2e -- failover    runs the scenarios whose file name contains "failover"
 */
import { readdirSync } from 'fs';
import { run as runTests } from 'node:test';
import { spec } from 'node:test/reporters';
import { join } from 'path';
import { bootstrap } from './cdk';
import { Emulator } from './emulator';
import { installToolchain } from './toolchain';

/** Scenarios mostly wait, so more of them than there are cores run concurrently. */
const CONCURRENCY = 3;

async function main(patterns: readonly string[]): Promise<void> {
  const folder = join(__dirname, 'scenarios');
  const files = readdirSync(folder)
    .filter(
      (name) => name.endsWith('.ts') && (patterns.length === 0 || patterns.some((pattern) => name.includes(pattern))),
    )
    .map((name) => join(folder, name));
  if (files.length === 0) {
    throw new Error(`No scenario in ${folder} matches ${patterns.map((pattern) => `"${pattern}"`).join(' or ')}.`);
  }
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());

  const emulator = await Emulator.start(await installToolchain());
  try {
    console.log(`Started the AWS emulator. Its log is ${emulator.logFile}`);
    // The scenarios run in child processes, which inherit this environment and therefore call the emulator instead of AWS.
    for (const [name, value] of Object.entries(emulator.environment)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await bootstrap();
    const { passed, failed } = await runScenarios(files, interrupt.signal);
    console.log(`${passed} passed, ${failed} failed`);
    process.exitCode = failed > 0 || passed === 0 || interrupt.signal.aborted ? 1 : 0;
  } finally {
    await emulator.stop();
  }
}

async function runScenarios(files: string[], signal: AbortSignal): Promise<{ passed: number; failed: number }> {
  let passed = 0;
  let failed = 0;
  const events = runTests({ files, concurrency: CONCURRENCY, signal });
  // A suite is counted only if it fails itself, for instance because its stack cannot be deployed.
  events.on('test:pass', ({ details }) => {
    passed += details.type === 'suite' ? 0 : 1;
  });
  events.on('test:fail', ({ details }) => {
    failed += failureType(details.error) === 'subtestsFailed' ? 0 : 1;
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await new Promise((resolve, reject) => report.once('end', resolve).once('error', reject));
  return { passed, failed };
}

/** Returns the test runner's reason for a failure. */
function failureType(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'failureType' in error ? error.failureType : undefined;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
