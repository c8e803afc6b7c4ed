import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { setTimeout } from 'timers/promises';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { CdkApp, deploy, destroy } from './cdk';
import { ROOT } from './emulator';

/** Returns an output of the deployed stack. Call it within a test. */
export type Outputs = (name: string) => string;

/**
 * Deploys an app, runs the tests that `define` declares, and destroys the app.
 *
 * @param title name of the scenario
 * @param app the app to deploy
 * @param define declares the tests with the test runner's `test`; they run one after another
 */
export function scenario(title: string, app: CdkApp, define: (output: Outputs) => void): void {
  void describe(title, () => {
    let outputs: Readonly<Record<string, string>>;
    before(async () => {
      outputs = await deploy(app);
    });
    after(async () => {
      await destroy(app);
      assert.deepEqual(await leftovers(app.stack), [], 'The deleted stack has left resources behind');
    });
    define((name) => {
      const value = outputs[name];
      if (value === undefined) {
        throw new Error(
          `The stack ${app.stack} has no output ${name}: expected one of ${Object.keys(outputs).join(', ')}.`,
        );
      }
      return value;
    });
  });
}

/**
 * Calls `probe` until `isDone` accepts its result, and returns the result. Retries errors, too: on a busy machine, requests can time out.
 *
 * @throws Error with the last result or error of `probe` after the given time
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
      throw new Error(`Timed out after ${seconds} seconds. The last result was ${JSON.stringify(found, undefined, 2)}`);
    }
    await setTimeout(200);
  }
}

/** Returns the stack's tables and queues that exist. Their generated names begin with the stack's. */
async function leftovers(stack: string): Promise<string[]> {
  const { TableNames = [] } = await new DynamoDBClient({ credentials: ROOT }).send(new ListTablesCommand({}));
  const { QueueUrls = [] } = await new SQSClient({ credentials: ROOT }).send(
    new ListQueuesCommand({ QueueNamePrefix: `${stack}-` }),
  );
  return [...TableNames.filter((name) => name.startsWith(`${stack}-`)), ...QueueUrls];
}
