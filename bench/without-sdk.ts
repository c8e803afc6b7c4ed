import {
  BatchExecuteStatementCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  type AttributeValue,
  type BatchStatementRequest,
  type BatchStatementResponse,
} from '@aws-sdk/client-dynamodb';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { answer } from './child';
import { Batches, eventOf, ring } from './ring';
import { fakeConfiguration, type Source } from './sources';
import { connect } from '../lambda/aws/connect';
import { Engine } from '../lambda/engine';
import { readInvocation, respond } from '../lambda/runtime/records';

/*
 * What the workflow's own code costs: everything from the record that Lambda delivers to the command that an AWS client is given, and back
 * from its answer. The clients answer at once, without doing anything.
 */

/** What a healthy service answers to the commands of a transition. */
function answerTo(command: object): object {
  if (command instanceof BatchExecuteStatementCommand) return { Responses: command.input.Statements?.map(answerToStatement) };
  if (command instanceof BatchWriteItemCommand) return { UnprocessedItems: {} };
  if (command instanceof SendMessageBatchCommand) {
    return { Successful: command.input.Entries?.map(({ Id }) => ({ Id, MessageId: `message-${Id}` })), Failed: [] };
  }
  if (command instanceof PutRecordsCommand) {
    return { FailedRecordCount: 0, Records: command.input.Records?.map((_, index) => ({ ShardId: 'shardId-0', SequenceNumber: String(index) })) };
  }
  if (command instanceof PublishBatchCommand) {
    return { Successful: command.input.PublishBatchRequestEntries?.map(({ Id }) => ({ Id, MessageId: `message-${Id}` })), Failed: [] };
  }
  throw new Error(`A transition is not expected to need ${command.constructor.name}.`);
}

/** With the item that the lock table has after an acquisition, if the statement wants it. */
function answerToStatement({ Statement = '', Parameters = [] }: BatchStatementRequest): BatchStatementResponse {
  if (!Statement.startsWith('UPDATE')) return {};
  const names = [...Statement.matchAll(/"(\w+)" = \?/g)].map(([, name = '']) => name);
  // The names of the condition come last. There the step and the fence are those before.
  const item: Record<string, AttributeValue> = { released: { N: '0' }, startedAt: { N: '0' } };
  names.forEach((name, index) => { item[name] ??= Parameters[index]!; });
  return { Item: item };
}

for (const client of [DynamoDBClient, SQSClient, KinesisClient, SNSClient]) {
  // All that this process sends is a command of these, so the types of its overloads do not matter here.
  client.prototype.send = (async (command: object) => answerTo(command)) as never;
}

async function main(source: Source): Promise<void> {
  const { ports } = await connect(fakeConfiguration(source));
  const engine = new Engine(ports, [ring], () => (context) => {
    context.rounds = Number(context.rounds) + 1;
    return 'go';
  });
  const invoke = async (bodies: readonly string[]) => {
    const invoked = readInvocation(eventOf(source, bodies));
    if (invoked.kind !== 'records') throw new Error('These are records.');
    const { batchItemFailures } = respond(await engine.process(invoked.deliveries, { deadline: Date.now() + 30_000 }), invoked.partial);
    if (batchItemFailures.length > 0) throw new Error(`${batchItemFailures.length} of ${bodies.length} records were given back to ${source}.`);
  };
  const batches = new Batches('ten', 10);
  for (let batch = 0; batch < 200; batch++) await invoke(batches.next());
  const cpu = process.cpuUsage();
  for (let batch = 0; batch < 1_000; batch++) await invoke(batches.next());
  const { user, system } = process.cpuUsage(cpu);
  answer((user + system) / 1000 / 10_000);
}

// The argument is that of bench/run.ts.
void main(process.argv[2] as Source);
