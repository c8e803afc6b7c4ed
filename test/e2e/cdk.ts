import { mkdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { ACCOUNT, REGION } from './emulator';
import { run } from './processes';
import { PROJECT, WORKSPACE } from './toolchain';

/** A CDK app with one stack. */
export interface CdkApp {
  /** The app's file, TypeScript, relative to the project. */
  readonly file: string;
  /** The name of its stack. */
  readonly stack: string;
  /** Context values for the app. @default - none */
  readonly context?: Readonly<Record<string, string>>;
}

/** Prepares the emulated account and region for deployments, as must be done once for a real one. */
export async function bootstrap(): Promise<void> {
  await cdk(['bootstrap', `aws://${ACCOUNT}/${REGION}`]);
}

/** Deploys the app's stack and returns its outputs by name. */
export async function deploy(app: CdkApp): Promise<Readonly<Record<string, string>>> {
  const folder = folderOf(app);
  mkdirSync(folder, { recursive: true });
  const outputsFile = join(folder, 'outputs.json');
  await cdk([
    'deploy', app.stack,
    // Relative to the project, since the CDK splits it at blanks, quoted or not.
    '--app', `node_modules/.bin/tsx ${app.file}`,
    '--output', join(folder, 'cdk.out'),
    '--outputs-file', outputsFile,
    '--require-approval', 'never',
    ...Object.entries(app.context ?? {}).flatMap(([key, value]) => ['--context', `${key}=${value}`]),
  ]);
  const outputs = JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, Record<string, string>>; // The CDK's format.
  return outputs[app.stack] ?? {};
}

/** Deletes the app's stack. It must have been deployed before. */
export async function destroy(app: CdkApp): Promise<void> {
  // From what was synthesized when it was deployed.
  await cdk(['destroy', app.stack, '--force', '--app', join(folderOf(app), 'cdk.out')]);
}

function folderOf(app: CdkApp): string {
  return join(WORKSPACE, 'run', app.stack);
}

/** The environment has to be that of the emulator. */
async function cdk(args: readonly string[]): Promise<void> {
  if (!process.env.AWS_ENDPOINT_URL?.startsWith('https://localhost:')) {
    throw new Error('No emulator in the environment: nothing but an emulator is deployed to from here.');
  }
  await run(process.execPath, [join(PROJECT, 'node_modules', 'aws-cdk', 'bin', 'cdk'), ...args, '--ci', '--no-notices', '--no-version-reporting'], {
    cwd: PROJECT,
    // A scenario may have taken on a role; deploying is for the root user.
    env: { ...process.env, AWS_PROFILE: 'default', JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1' },
  });
}
