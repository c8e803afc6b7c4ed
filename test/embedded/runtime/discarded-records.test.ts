import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Duration } from 'aws-cdk-lib';
import { WorkflowClient } from '../../../lambda/client';
import { temporaryDirectory, until } from '../../support/local';
import { runningStacks, synthesize } from '../../support/local-stack';
import { EventSource, FsmWorkflow, MachineDefinition, RetryQueue } from 'cdk-lambda-fsm';

/* The bundled runtime: an outage in which Lambda discards records of a stream delays executions, and loses none. */

jest.setTimeout(300_000);

const folder = temporaryDirectory();
const repaired = join(folder, 'repaired');
const actions = join(folder, 'actions.mjs');
writeFileSync(
  actions,
  `
  import { existsSync } from 'node:fs';
  if (process.env.FSM_WORKFLOW && !existsSync(${JSON.stringify(repaired)})) process.exit(1);
  export const work = () => 'worked';
  export default { work };`,
);

const stacks = runningStacks();

/** Whether Lambda has reported discarded records. */
async function hasReports(): Promise<boolean> {
  const client = new SQSClient({ useQueueUrlAsEndpoint: false });
  try {
    const { QueueUrls = [] } = await client.send(new ListQueuesCommand({}));
    const QueueUrl = QueueUrls.find((url) => url.includes('FailedInvocations'));
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    const { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: received } = Attributes ?? {};
    return Number(waiting) + Number(received) > 0;
  } finally {
    client.destroy();
  }
}

test.each([
  ['Kinesis', () => EventSource.kinesis({ shardCount: 1, retryAttempts: 3 })],
  ['DynamoDB Streams', () => EventSource.dynamoDb({ retryAttempts: 3 })],
])('executions whose records in %s were discarded continue after the outage', async (_, eventSource) => {
  let name = '';
  const assembly = synthesize((stack) => {
    const workflow = new FsmWorkflow(stack, 'Jobs', {
      machines: [
        MachineDefinition.fromObject({
          name: 'job',
          initial: 'working',
          maxRetries: 1,
          states: { working: { do: 'work', on: { worked: 'done' } }, done: { final: true } },
        }),
      ],
      actions,
      timeout: Duration.seconds(5),
      eventSource: eventSource(),
      retryQueue: RetryQueue.sqs(),
    });
    name = workflow.workflowName;
  });
  const local = await stacks.start({ assembly });
  Object.assign(process.env, local.environment);
  const client = new WorkflowClient(local.workflows[name]!);
  const ids = Array.from({ length: 2 }, (__, index) => `job-${index}`);
  await client.startMany(ids.map((executionId) => ({ machine: 'job', executionId })));
  await until(hasReports, 120_000);
  writeFileSync(repaired, '');
  const states = async () => Promise.all(ids.map(async (id) => (await client.describe(id))?.status));
  await until(async () => (await states()).every((status) => status === 'completed'), 120_000);
  rmSync(repaired);
});
