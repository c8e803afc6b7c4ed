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
 * Measures the workflow's own code: from the record that Lambda delivers to the command for an AWS client, and from its response back to
 * Lambda. The clients are replaced and answer immediately.
 */

/** The answer of a healthy service to a command. */
function answerTo(command: object): object {
  if (command instanceof BatchExecuteStatementCommand) {
    return { Responses: command.input.Statements?.map(answerToStatement) };
  }
  if (command instanceof BatchWriteItemCommand) return { UnprocessedItems: {} };
  if (command instanceof SendMessageBatchCommand) {
    return { Successful: command.input.Entries?.map(({ Id }) => ({ Id, MessageId: `message-${Id}` })), Failed: [] };
  }
  if (command instanceof PutRecordsCommand) {
    return {
      FailedRecordCount: 0,
      Records: command.input.Records?.map((_, index) => ({ ShardId: 'shardId-0', SequenceNumber: String(index) })),
    };
  }
  if (command instanceof PublishBatchCommand) {
    return {
      Successful: command.input.PublishBatchRequestEntries?.map(({ Id }) => ({ Id, MessageId: `message-${Id}` })),
      Failed: [],
    };
  }
  throw new Error(`Unexpected command ${command.constructor.name} in a transition.`);
}

/** Returns the item of the lock after its acquisition, if the statement requests it. */
function answerToStatement({ Statement = '', Parameters = [] }: BatchStatementRequest): BatchStatementResponse {
  if (!Statement.startsWith('UPDATE')) return {};
  const names = [...Statement.matchAll(/"(\w+)" = \?/g)].map(([, name = '']) => name);
  // The condition comes last and names the previous step and fence, so the first value of a name counts.
  const item: Record<string, AttributeValue> = { released: { N: '0' }, startedAt: { N: '0' } };
  names.forEach((name, index) => {
    item[name] ??= Parameters[index]!;
  });
  return { Item: item };
}

for (const client of [DynamoDBClient, SQSClient, KinesisClient, SNSClient]) {
  // The overloads of `send` differ only in their types.
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
    if (invoked.kind !== 'records') throw new Error('The invocation has no records.');
    const { batchItemFailures } = respond(
      await engine.process(invoked.deliveries, { deadline: Date.now() + 30_000 }),
      invoked.partial,
    );
    if (batchItemFailures.length > 0) {
      throw new Error(`${batchItemFailures.length} of ${bodies.length} records were returned to ${source}.`);
    }
  };
  const batches = new Batches('ten', 10);
  for (let batch = 0; batch < 200; batch++) await invoke(batches.next());
  const cpu = process.cpuUsage();
  for (let batch = 0; batch < 1_000; batch++) await invoke(batches.next());
  const { user, system } = process.cpuUsage(cpu);
  answer((user + system) / 1000 / 10_000);
}

// bench/run.ts passes the argument.
void main(process.argv[2] as Source);
