import { CreateStreamCommand, DescribeStreamSummaryCommand, waitUntilStreamExists, type KinesisClient } from '@aws-sdk/client-kinesis';
import { physicalName } from './physical-name';
import type { Template } from '../template';

/** How many shards a stream has that is made on demand, as on AWS. */
const SHARDS_ON_DEMAND = 4;

/**
 * Creates the Kinesis streams of a stack, and makes up their consumers with enhanced fan-out: here, they read like all others.
 *
 * @returns the ARN of the stream by each ARN that an event source mapping may name: the stream's own, or a consumer's
 */
export async function createStreams(template: Template, client: KinesisClient): Promise<Map<string, string>> {
  const streamArns = new Map<string, string>();
  for (const logicalId of template.ofType('AWS::Kinesis::Stream')) {
    const arn = await createStream(template, logicalId, client);
    streamArns.set(arn, arn);
  }
  for (const logicalId of template.ofType('AWS::Kinesis::StreamConsumer')) {
    const { StreamARN, ConsumerName } = template.properties(logicalId);
    const arn = `${String(StreamARN)}/consumer/${String(ConsumerName)}:1`;
    template.provide(logicalId, {
      ref: arn,
      attributes: { ConsumerARN: arn, ConsumerName: String(ConsumerName), ConsumerStatus: 'ACTIVE', StreamARN: String(StreamARN) },
    });
    streamArns.set(arn, String(StreamARN));
  }
  return streamArns;
}

async function createStream(template: Template, logicalId: string, client: KinesisClient): Promise<string> {
  const { Name, ShardCount } = template.properties(logicalId, ['Name', 'ShardCount']);
  const name = physicalName(template, logicalId, Name);
  try {
    await client.send(new CreateStreamCommand({ StreamName: name, ShardCount: Number(ShardCount ?? SHARDS_ON_DEMAND) }));
    await waitUntilStreamExists({ client, maxWaitTime: 30, minDelay: 0.02, maxDelay: 0.1 }, { StreamName: name });
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
    const arn = StreamDescriptionSummary?.StreamARN ?? '';
    template.provide(logicalId, { ref: name, attributes: { Arn: arn } });
    return arn;
  } catch (error) {
    throw new Error(`The stream "${logicalId}" cannot be created: ${(error as Error).message}`, { cause: error });
  }
}
