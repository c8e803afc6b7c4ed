#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { WORKFLOW_VARIABLE } from '../contract/environment';
import { nearest } from '../machine/nearest';

const PACKAGES = [
  ...['dynamodb', 'dynamodb-streams', 'kinesis', 'sns', 'sqs'].map((service) => `@aws-sdk/client-${service}`),
  '@smithy/node-http-handler',
  'fauxqs@1.9.2',
  'kinesalite@3.3.3',
];

const USAGE = `Runs a stack locally, without an AWS account.

Usage: cdk-lambda-fsm local [ASSEMBLY] [options]

Arguments:
  ASSEMBLY             cloud assembly: the folder that "cdk synth" writes (default: cdk.out)

Options:
  --stack NAME         name of the stack (required if the assembly has several stacks)
  --db FILE            store the tables in a file, and continue with it on the next start
  --faults FRACTION    fraction of requests that fail, from 0 to 1 (default: 0)
  --task NAME=COMMAND  shell command to run instead of the Amazon ECS container NAME, or FAMILY/NAME
                       with the family of its task definition; repeat it for each container
  -h, --help           show this help
`;

/** Runs the command line. */
async function main(): Promise<void> {
  const {
    values,
    positionals: [command, assembly = 'cdk.out', ...others],
  } = readArguments();
  if (values.help || command === undefined) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  if (command !== 'local') throw new Error(`Unknown command "${command}": expected "local". ${HINT}`);
  if (others[0] !== undefined) {
    throw new Error(`Unexpected argument "${others[0]}": expected one assembly, which is "${assembly}". ${HINT}`);
  }
  const share = values.faults.trim() === '' ? Number.NaN : Number(values.faults);
  if (!(share >= 0 && share <= 1)) {
    throw new Error(`Invalid --faults "${values.faults}": expected a number from 0 to 1.`);
  }
  if (values.db === '') throw new Error('Invalid --db "": expected the name of a file.');
  const tasks = Object.fromEntries((values.task ?? []).map(readTask));
  const { startLocal } = await loadRunner();
  const local = await startLocal({
    assembly,
    stack: values.stack,
    databaseFile: values.db,
    faults: { share, seed: Date.now() },
    tasks,
    onLine: (line) => console.log(line),
    onError: (error) => console.error(error.message),
  });
  console.log('The stack is running. Press Ctrl-C to stop it. To connect an AWS client, set these variables:\n');
  const variables = { ...local.environment, ...configurations(local.workflows) };
  console.log(
    Object.entries(variables)
      .map(([name, value]) => `export ${name}='${value}'`)
      .join('\n'),
    '\n',
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void local.stop());
  }
}

const OPTIONS = {
  stack: { type: 'string' },
  db: { type: 'string' },
  faults: { type: 'string', default: '0' },
  task: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const;

const HINT = 'Run "cdk-lambda-fsm --help" for the usage.';

/** @throws Error that names the option that does not exist, lacks its value, or takes none */
function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    const { message } = error as Error;
    const [, unknown] = /^Unknown option '([^']+)'/.exec(message) ?? [];
    if (unknown === undefined) throw new Error(`${message.split('\n')[0]?.replace(/\.?$/, '.')} ${HINT}`);
    const similar = nearest(unknown.replace(/^-+/, ''), Object.keys(OPTIONS));
    throw new Error(
      `Unknown option "${unknown}"${similar === undefined ? '.' : `: did you mean --${similar}?`} ${HINT}`,
    );
  }
}

/** Parses `render=node render.js`. */
function readTask(text: string): readonly [name: string, command: string] {
  const [, name, command] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined) {
    throw new Error(`Invalid --task "${text}": expected NAME=COMMAND, for example --task render='node render.js'.`);
  }
  return [name, command];
}

/** Loads the local runner. It requires packages that are not dependencies of the library. */
async function loadRunner(): Promise<typeof import('.')> {
  try {
    return await import('./index.js');
  } catch (error) {
    const [, missing] = /Cannot find module '((?:@aws-sdk|@smithy)\/[^']+)'/.exec(String(error)) ?? [];
    if (missing === undefined) throw error;
    throw new Error(
      `Missing package ${missing}. Install the packages that the local runner requires:\n  npm install --save-dev ${PACKAGES.join(' ')}`,
    );
  }
}

/** Returns the variables that `WorkflowClient.fromEnvironment()` reads. With several workflows, each has its own variable. */
function configurations(workflows: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(workflows);
  return Object.fromEntries(
    entries.map(([name, configuration]) => [
      entries.length === 1 ? WORKFLOW_VARIABLE : `${WORKFLOW_VARIABLE}_${name.replace(/\W/g, '_')}`,
      configuration,
    ]),
  );
}

// A stack that does not start is a mistake in the command line or in the files that it names.
main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
});
