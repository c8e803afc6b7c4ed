import {
  BatchWriteItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { PublishBatchCommand } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SendMessageCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { MessageRejectedError } from '../../../lambda/aws/batches/message-rejected';
import { refusesContent } from '../../../lambda/aws/refuses-content';
import { Embedded } from '../../support/servers/embedded';

const embedded = Embedded.use();

async function errorOf(request: Promise<unknown>): Promise<Error> {
  const thrown: unknown = await request.then(
    () => new Error('The request was accepted.'),
    (error: unknown) => error,
  );
  if (!(thrown instanceof Error)) throw new Error('A client throws errors.');
  return thrown;
}

const LARGE = 'x'.repeat(1_200_000);

describe('content that the servers refuse', () => {
  test.each<[string, Record<string, AttributeValue>]>([
    ['an item that is too large', { text: { S: 'x'.repeat(420_000) } }],
    ['a number that is too large', { number: { N: '1e200' } }],
  ])('DynamoDB: %s', async (_what, attributes) => {
    const TableName = await embedded.table('checkpoints');
    const Item = { executionId: { S: 'x' }, entry: { S: 'y' }, ...attributes };
    const dynamoDb = embedded.dynamoDb();
    const put = await errorOf(dynamoDb.send(new PutItemCommand({ TableName, Item })));
    const batch = await errorOf(
      dynamoDb.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item } }] } })),
    );
    expect([put, batch].map((error) => [error.message, refusesContent(error)])).toEqual([
      [put.message, true],
      [batch.message, true],
    ]);
  });

  test('DynamoDB: an update that makes an item too large', async () => {
    const TableName = await embedded.table('locks');
    const error = await errorOf(
      embedded.dynamoDb().send(
        new UpdateItemCommand({
          TableName,
          Key: { executionId: { S: 'x' } },
          UpdateExpression: 'SET a = :a',
          ExpressionAttributeValues: { ':a': { S: 'x'.repeat(420_000) } },
        }),
      ),
    );
    expect([error.message, refusesContent(error)]).toEqual([error.message, true]);
  });

  test.each([
    ['a body that is too large', LARGE],
    ['a forbidden character', 'a\u0000b'],
  ])('SQS: %s', async (_what, body) => {
    const QueueUrl = await embedded.queue();
    const error = await errorOf(embedded.sqs().send(new SendMessageCommand({ QueueUrl, MessageBody: body })));
    expect([error.name, error.message, refusesContent(error)]).toEqual([error.name, error.message, true]);
  });

  test('SQS: a batch entry, and a message that is larger than the limit of the queue', async () => {
    const QueueUrl = await embedded.queue();
    await embedded.sqs().send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { MaximumMessageSize: '1024' } }));
    const send = new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(2_000) });
    const error = await errorOf(embedded.sqs().send(send));
    expect([error.message, refusesContent(error)]).toEqual([error.message, true]);
    const batch = { QueueUrl, Entries: [{ Id: '0', MessageBody: 'x'.repeat(2_000) }] };
    const answered = await embedded
      .sqs()
      .send(new SendMessageBatchCommand(batch))
      .then(
        ({ Failed = [] }) =>
          new MessageRejectedError('SQS', { code: Failed[0]?.Code, message: Failed[0]?.Message }, true),
        (thrown: Error) => thrown,
      );
    expect([answered.message, refusesContent(answered)]).toEqual([answered.message, true]);
  });

  test('Kinesis: a record that is too large', async () => {
    const StreamName = await embedded.stream(1);
    const Records = [{ PartitionKey: 'x', Data: Buffer.from(LARGE) }];
    const error = await errorOf(embedded.kinesis().send(new PutRecordsCommand({ StreamName, Records })));
    expect([error.name, error.message, refusesContent(error)]).toEqual([error.name, error.message, true]);
  });
});

describe('what time or an operator cures', () => {
  test('missing tables, queues, topics and streams', async () => {
    const errors = await Promise.all([
      errorOf(embedded.dynamoDb().send(new PutItemCommand({ TableName: 'none', Item: { executionId: { S: 'x' } } }))),
      errorOf(
        embedded.sqs().send(new SendMessageCommand({ QueueUrl: `${await embedded.queue()}-none`, MessageBody: 'x' })),
      ),
      errorOf(
        embedded.sns().send(
          new PublishBatchCommand({
            TopicArn: 'arn:aws:sns:us-east-1:000000000000:none',
            PublishBatchRequestEntries: [{ Id: '0', Message: 'x' }],
          }),
        ),
      ),
      errorOf(
        embedded
          .kinesis()
          .send(
            new PutRecordsCommand({ StreamName: 'none', Records: [{ PartitionKey: 'x', Data: Buffer.from('x') }] }),
          ),
      ),
    ]);
    expect(errors.map(refusesContent)).toEqual([false, false, false, false]);
  });

  test('a table with another key', async () => {
    const Item = { other: { S: 'x' } };
    const TableName = await embedded.table('locks');
    expect(refusesContent(await errorOf(embedded.dynamoDb().send(new PutItemCommand({ TableName, Item }))))).toBe(
      false,
    );
  });

  test.each([
    'AccessDeniedException',
    'ThrottlingException',
    'ProvisionedThroughputExceededException',
    'KMSAccessDeniedException',
    'ExpiredTokenException',
    'InternalServerError',
    'ConditionalCheckFailedException',
    'TimeoutError',
  ])('%s', (name) => {
    const error = Object.assign(new Error('The message is too long, says the service.'), { name });
    expect(refusesContent(error)).toBe(false);
    expect(refusesContent(new MessageRejectedError('SQS', { code: name, message: 'too long' }, true))).toBe(false);
  });
});

/** The answers of the services that the embedded servers do not give. */
test.each([
  ['ValidationException', 'Item size to update has exceeded the maximum allowed size'],
  ['ValidationException', 'Nesting Levels have exceeded supported limits'],
  ['ValidationException', 'Invalid UpdateExpression: Expression size has exceeded the maximum allowed size'],
  ['InvalidMessageContents', 'Invalid characters found. Valid unicode characters are #x9 | #xA'],
  ['InvalidParameterValue', 'One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.'],
  ['AWS.SimpleQueueService.BatchRequestTooLong', 'Batch requests cannot be longer than 1048576 bytes.'],
  ['InvalidParameterException', 'Invalid parameter: Message too long'],
  ['InvalidParameter', 'Invalid parameter: Message too long'],
  [
    'ValidationException',
    "1 validation error detected: Value at 'records.1.member.data' failed to satisfy constraint: Member must have length less than or equal to 1048576",
  ],
])('%s: %s', (name, message) => {
  expect(refusesContent(Object.assign(new Error(message), { name }))).toBe(true);
});
