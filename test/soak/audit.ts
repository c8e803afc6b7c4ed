import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { endingOf, fateOf } from './fate';
import { idOf } from './load';
import { persistently } from './persistently';
import { executionIdOf } from '../../lambda/contract/tables';

const POLL_INTERVAL_MS = 3_000;
/** SQS can return an empty response although the queue has messages, so several in a row count as empty. */
const EMPTY_RESPONSES = 5;

/** The final state of the executions, and of the messages that are not envelopes. */
export interface Audit {
  /** Number of executions by status. */
  readonly endings: Readonly<Record<string, number>>;
  /** Deviations from the expected state, one sentence each. */
  readonly problems: readonly string[];
}

/** Waits until every execution has ended as expected, or until nothing has changed for `patience` milliseconds. */
export async function audit(
  started: number,
  foreign: readonly string[],
  where: {
    readonly dynamodb: DynamoDBClient;
    readonly lockTable: string;
    readonly sqs: SQSClient;
    readonly deadLetterQueue: string;
  },
  patience: number,
): Promise<Audit> {
  let changed = Date.now();
  let fewest = Infinity;
  const letters = new Letters();
  for (;;) {
    const statuses = await statusesOf(where.dynamodb, where.lockTable);
    await letters.receive(where.sqs, where.deadLetterQueue);
    const endings: Record<string, number> = {};
    const problems: string[] = [];
    for (let number = 0; number < started; number++) {
      const status = statuses.get(idOf(number)) ?? 'unknown';
      endings[status] = (endings[status] ?? 0) + 1;
      const fate = fateOf(number);
      if (status !== endingOf(fate)) {
        problems.push(`${idOf(number)} (${fate}): expected ${endingOf(fate)}, but found ${status}.`);
      }
      if (status === 'failed' && !letters.executions.has(idOf(number))) {
        problems.push(`${idOf(number)} has failed, but has no dead letter.`);
      }
    }
    problems.push(
      ...foreign
        .filter((body) => !letters.bodies.has(body))
        .map((body) => `A message that is not an envelope was not dead-lettered: "${body}"`),
    );
    if (problems.length < fewest) changed = Date.now();
    fewest = Math.min(fewest, problems.length);
    if (problems.length === 0 || Date.now() > changed + patience) return { endings, problems };
    await pause(POLL_INTERVAL_MS);
  }
}

/** The dead letters received so far. */
class Letters {
  public readonly executions = new Set<string>();
  public readonly bodies = new Set<string>();

  public async receive(sqs: SQSClient, QueueUrl: string): Promise<void> {
    for (let empty = 0; empty < EMPTY_RESPONSES;) {
      const { Messages = [] } = await persistently(() =>
        sqs.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: 10,
            MessageAttributeNames: ['executionId'],
          }),
        ),
      );
      if (Messages.length === 0) {
        empty++;
        continue;
      }
      for (const { Body = '', MessageAttributes } of Messages) {
        this.bodies.add(Body);
        const executionId = MessageAttributes?.executionId?.StringValue;
        if (executionId) this.executions.add(executionId);
      }
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await persistently(() => sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries })));
    }
  }
}

async function statusesOf(dynamodb: DynamoDBClient, TableName: string): Promise<Map<string, string>> {
  const statuses = new Map<string, string>();
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const from = ExclusiveStartKey;
    const { Items = [], LastEvaluatedKey } = await persistently(() =>
      dynamodb.send(
        new ScanCommand({
          TableName,
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      ),
    );
    for (const { executionId, status } of Items) {
      statuses.set(executionIdOf(executionId?.S ?? ''), status?.S ?? 'unknown');
    }
    ExclusiveStartKey = LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return statuses;
}
