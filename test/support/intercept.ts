import type { BatchWriteItemCommandInput, BatchWriteItemCommandOutput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { SQSClient } from '@aws-sdk/client-sqs';

type Client = DynamoDBClient | KinesisClient | SNSClient | SQSClient;

/**
 * Intercepts the requests of one operation, each attempt of the SDK separately.
 *
 * @param handle receives the input and a function that sends the request
 */
export function intercept(
  client: Client,
  operation: string,
  handle: (input: unknown, request: () => Promise<unknown>) => Promise<unknown>,
): void {
  // The stack of each client is typed for its own operations. This middleware reads only the name of the operation.
  const stack = client.middlewareStack as DynamoDBClient['middlewareStack'];
  stack.add(
    (next, context) => async (args) => {
      if (context.commandName !== `${operation}Command`) return next(args);
      const result: unknown = await handle(args.input, () => next(args));
      return result as Awaited<ReturnType<typeof next>>;
    },
    { step: 'deserialize', priority: 'high' },
  );
}

/** Loses the responses to the next `times` requests of an operation, after the requests took effect. The SDK then retries them. */
export function loseAnswers(client: Client, operation: string, times: number): void {
  let left = times;
  intercept(client, operation, async (_, request) => {
    const answer = await request();
    if (left === 0) return answer;
    left -= 1;
    throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' });
  });
}

/** Fails all requests of an operation with this error, without any effect. */
export function fail(client: Client, operation: string, error: Error): void {
  intercept(client, operation, async () => {
    throw error;
  });
}

/**
 * Lets DynamoDB leave entries of batches unprocessed.
 *
 * @param isLeft returns whether an entry is left, by its index in the batch and the index of the batch
 */
export function leaveUnprocessed(client: DynamoDBClient, isLeft: (index: number, batch: number) => boolean): void {
  let batches = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'BatchWriteItemCommand') return next(args);
      // The name of the command determines the type of its input and output.
      const { RequestItems = {} } = args.input as BatchWriteItemCommandInput;
      const [[table, requests] = ['', []]] = Object.entries(RequestItems);
      const batch = batches;
      batches += 1;
      const left = requests.filter((_, index) => isLeft(index, batch));
      const taken = requests.filter((_, index) => !isLeft(index, batch));
      const output: BatchWriteItemCommandOutput =
        taken.length === 0
          ? { $metadata: {} }
          : ((await next({ ...args, input: { ...args.input, RequestItems: { [table]: taken } } }))
              .output as BatchWriteItemCommandOutput);
      return {
        response: undefined,
        output: { ...output, ...(left.length > 0 ? { UnprocessedItems: { [table]: left } } : {}) },
      };
    },
    { step: 'initialize' },
  );
}
