import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { setTimeout } from 'timers/promises';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { CdkApp, deploy, destroy } from './cdk';
import { ROOT } from './emulator';

/** Returns an output of the deployed stack; only to be called within a test. */
export type Outputs = (name: string) => string;

/**
 * Deploys an app, runs the tests that `define` declares with the test runner's `test`, and destroys the app.
 *
 * @param title  what the scenario shows
 * @param app    what is deployed
 * @param define declares the tests, which run one after another
 */
export function scenario(title: string, app: CdkApp, define: (output: Outputs) => void): void {
  void describe(title, () => {
    let outputs: Readonly<Record<string, string>>;
    before(async () => { outputs = await deploy(app); });
    after(async () => {
      await destroy(app);
      assert.deepEqual(await leftovers(app.stack), [], 'The stack has left something behind');
    });
    define((name) => {
      const value = outputs[name];
      if (value === undefined) {
        throw new Error(`The stack ${app.stack} has no output ${name}, only ${Object.keys(outputs).join(', ')}.`);
      }
      return value;
    });
  });
}

/**
 * Calls `probe` until it returns something that `isDone` accepts, and returns that. On a busy machine a look may fail that needs an answer
 * within seconds.
 *
 * @throws Error with what `probe` returned or threw last when `seconds` have passed
 */
export async function eventually<T>(probe: () => Promise<T>, isDone: (found: T) => boolean, seconds = 120): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    let found: T | string;
    try {
      found = await probe();
      if (isDone(found)) return found;
    } catch (thrown) {
      found = String(thrown);
    }
    if (Date.now() > deadline) {
      throw new Error(`Not within ${seconds} seconds. The last that was seen: ${JSON.stringify(found, undefined, 2)}`);
    }
    await setTimeout(200);
  }
}

/** The tables and queues that exist of a stack. Without a name of their own, they are named after it. */
async function leftovers(stack: string): Promise<string[]> {
  const { TableNames = [] } = await new DynamoDBClient({ credentials: ROOT }).send(new ListTablesCommand({}));
  const { QueueUrls = [] } = await new SQSClient({ credentials: ROOT }).send(new ListQueuesCommand({ QueueNamePrefix: `${stack}-` }));
  return [...TableNames.filter((name) => name.startsWith(`${stack}-`)), ...QueueUrls];
}
