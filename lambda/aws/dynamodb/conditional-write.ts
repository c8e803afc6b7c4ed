import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import type { Item } from './item';

/** The result of a conditional write: its output, or the refusal with the stored item if the request asked for it. */
export type ConditionalWrite<Output> =
  { readonly refused: false; readonly output: Output } | { readonly refused: true; readonly item?: Item };

/** Awaits a write with a condition. A condition that does not hold is a result; every other error is thrown. */
export async function conditionalWrite<Output>(write: Promise<Output>): Promise<ConditionalWrite<Output>> {
  try {
    return { refused: false, output: await write };
  } catch (thrown) {
    if (!(thrown instanceof ConditionalCheckFailedException)) throw thrown;
    return { refused: true, item: thrown.Item };
  }
}
