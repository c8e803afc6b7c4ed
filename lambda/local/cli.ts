#!/usr/bin/env node
import { parseArgs } from 'node:util';

const PACKAGES = [
  ...['dynamodb', 'dynamodb-streams', 'kinesis', 'sns', 'sqs'].map((service) => `@aws-sdk/client-${service}`),
  '@smithy/node-http-handler', 'fauxqs@1.9.2', 'kinesalite@3.3.3',
];

const USAGE = `Runs a stack on this machine, without an AWS account.

  cdk-lambda-fsm local [ASSEMBLY] [options]

  ASSEMBLY       the folder that "cdk synth" has written (default cdk.out)
  --stack NAME   the stack; it may be left out when there is one only
  --db FILE      keep the tables in a file, and go on with it next time
  --faults SHARE the share of requests that fail, from 0 to 1 (default 0)
  --task NAME=COMMAND
                 what runs in place of the container NAME of Amazon ECS (or FAMILY/NAME, with the family of its task definition):
                 a command line for the shell; once for each container that the workflows run
`;

/** The commands of the package's program: so far there is one. */
async function main(): Promise<void> {
  const { values, positionals: [command, assembly = 'cdk.out', ...others] } = parseArgs({
    allowPositionals: true,
    options: { stack: { type: 'string' }, db: { type: 'string' }, faults: { type: 'string', default: '0' }, task: { type: 'string', multiple: true }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help || command !== 'local' || others.length > 0) {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const share = Number(values.faults);
  if (!(share >= 0 && share <= 1)) {
    throw new Error(`--faults takes a number from 0 to 1, not "${values.faults}".`);
  }
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
  console.log('It runs until you press Ctrl-C. Any AWS client reaches it with these variables:\n');
  const variables = { ...local.environment, ...configurations(local.workflows) };
  console.log(Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`).join('\n'), '\n');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void local.stop());
  }
}

/** `render=node render.js` */
function readTask(text: string): readonly [name: string, command: string] {
  const [, name, command] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined) {
    throw new Error(`--task takes the name of a container and a command line, as in --task render='node render.js', not "${text}".`);
  }
  return [name, command];
}

/** The runner needs packages that nobody else does who uses the library. */
async function loadRunner(): Promise<typeof import('./index')> {
  try {
    return await import('./index.js');
  } catch (error) {
    const [, missing] = /Cannot find module '((?:@aws-sdk|@smithy)\/[^']+)'/.exec(String(error)) ?? [];
    if (missing === undefined) throw error;
    throw new Error(`The package ${missing} is missing. The local runner needs these:\n  npm install --save-dev ${PACKAGES.join(' ')}`);
  }
}

/** What `WorkflowClient.fromEnvironment()` reads: of several workflows, each has a variable of its own. */
function configurations(workflows: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(workflows);
  return Object.fromEntries(entries.map(([name, configuration]) =>
    [entries.length === 1 ? 'FSM_WORKFLOW' : `FSM_WORKFLOW_${name.replace(/\W/g, '_')}`, configuration]));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
