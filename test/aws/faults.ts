import type { BatchWriteItemCommandInput, BatchWriteItemCommandOutput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';

type Client = DynamoDBClient | KinesisClient | SNSClient | SQSClient;

/**
 * Does something in place of the requests of one operation, each try of the SDK by itself.
 *
 * @param handle gets the input and what makes the request
 */
export function intercept(
  client: Client,
  operation: string,
  handle: (input: unknown, request: () => Promise<unknown>) => Promise<unknown>,
): void {
  // The stack of each client is typed for its own operations; this adds to either what only looks at the operation's name.
  const stack = client.middlewareStack as DynamoDBClient['middlewareStack'];
  stack.add((next, context) => async (args) => {
    if (context.commandName !== `${operation}Command`) return next(args);
    const result: unknown = await handle(args.input, () => next(args));
    return result as Awaited<ReturnType<typeof next>>;
  }, { step: 'deserialize', priority: 'high' });
}

/** The answers to that many requests of an operation are lost, after the request took effect. The SDK then repeats it. */
export function loseAnswers(client: Client, operation: string, times: number): void {
  let left = times;
  intercept(client, operation, async (_, request) => {
    const answer = await request();
    if (left === 0) return answer;
    left -= 1;
    throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' });
  });
}

/** All requests of an operation fail with this error, without any effect. */
export function fail(client: Client, operation: string, error: Error): void {
  intercept(client, operation, async () => { throw error; });
}

/**
 * DynamoDB leaves entries of batches unprocessed.
 *
 * @param isLeft tells of each request of a batch, by its number in the batch and that of the batch, whether it is left
 */
export function leaveUnprocessed(client: DynamoDBClient, isLeft: (index: number, batch: number) => boolean): void {
  let batches = 0;
  client.middlewareStack.add((next, context) => async (args) => {
    if (context.commandName !== 'BatchWriteItemCommand') return next(args);
    // The name of the command tells the type of its input and output.
    const { RequestItems = {} } = args.input as BatchWriteItemCommandInput;
    const [[table, requests] = ['', []]] = Object.entries(RequestItems);
    const batch = batches;
    batches += 1;
    const left = requests.filter((_, index) => isLeft(index, batch));
    const taken = requests.filter((_, index) => !isLeft(index, batch));
    const output: BatchWriteItemCommandOutput = taken.length === 0
      ? { $metadata: {} }
      : (await next({ ...args, input: { ...args.input, RequestItems: { [table]: taken } } })).output as BatchWriteItemCommandOutput;
    return { response: undefined, output: { ...output, ...left.length > 0 ? { UnprocessedItems: { [table]: left } } : {} } };
  }, { step: 'initialize' });
}
