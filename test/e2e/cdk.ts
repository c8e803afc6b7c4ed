import { mkdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { ACCOUNT, REGION } from './emulator';
import { PROJECT, WORKSPACE } from './toolchain';
import { run } from '../support/processes';

/** A CDK app with one stack. */
export interface CdkApp {
  /** Path of the app's TypeScript file, relative to the project. */
  readonly file: string;
  /** Name of the stack. */
  readonly stack: string;
  /** Context values for the app. @default - none */
  readonly context?: Readonly<Record<string, string>>;
}

/** Bootstraps the emulated account and region, as a real account requires once. */
export async function bootstrap(): Promise<void> {
  await cdk(['bootstrap', `aws://${ACCOUNT}/${REGION}`]);
}

/** Deploys the app's stack, and returns its outputs by name. */
export async function deploy(app: CdkApp): Promise<Readonly<Record<string, string>>> {
  const folder = folderOf(app);
  mkdirSync(folder, { recursive: true });
  const outputsFile = join(folder, 'outputs.json');
  await cdk([
    'deploy',
    app.stack,
    // A relative path, since the CDK splits the command at spaces even in quotes.
    '--app',
    `node_modules/.bin/tsx ${app.file}`,
    '--output',
    join(folder, 'cdk.out'),
    '--outputs-file',
    outputsFile,
    '--require-approval',
    'never',
    ...Object.entries(app.context ?? {}).flatMap(([key, value]) => ['--context', `${key}=${value}`]),
  ]);
  const outputs = JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, Record<string, string>>; // The CDK's format.
  return outputs[app.stack] ?? {};
}

/** Deletes the app's deployed stack. */
export async function destroy(app: CdkApp): Promise<void> {
  // Uses the templates that were synthesized for the deployment.
  await cdk(['destroy', app.stack, '--force', '--app', join(folderOf(app), 'cdk.out')]);
}

function folderOf(app: CdkApp): string {
  return join(WORKSPACE, 'run', app.stack);
}

/** Runs a command of the CDK against the emulator. */
async function cdk(args: readonly string[]): Promise<void> {
  if (!process.env.AWS_ENDPOINT_URL?.startsWith('https://localhost:')) {
    throw new Error(
      'AWS_ENDPOINT_URL does not name the emulator: these tests deploy only to an emulator. Run "npm run e2e".',
    );
  }
  await run(
    process.execPath,
    [join(PROJECT, 'node_modules', 'aws-cdk', 'bin', 'cdk'), ...args, '--ci', '--no-notices', '--no-version-reporting'],
    {
      cwd: PROJECT,
      // A scenario may act in a role, but the root user deploys.
      env: { ...process.env, AWS_PROFILE: 'default', JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1' },
    },
  );
}
