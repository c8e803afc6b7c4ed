import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  waitUntilStreamExists,
  type KinesisClient,
} from '@aws-sdk/client-kinesis';
import type { Template } from '../../template/template';
import type { EventSources, ResourceClients } from '../shared/broker';
import { physicalName } from '../shared/physical-name';

/** Number of shards of a new stream in on-demand mode. @see https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html */
const ON_DEMAND_SHARDS = 4;

/**
 * Creates the Kinesis streams of a stack. Consumers with enhanced fan-out are only registered, because they read like any other consumer here.
 *
 * @returns the ARN of the stream by each ARN that an event source mapping may refer to: the stream, or a consumer
 */
export async function createStreams(template: Template, { kinesis }: ResourceClients): Promise<EventSources> {
  const streamArns = new Map<string, string>();
  for (const logicalId of template.ofType('AWS::Kinesis::Stream')) {
    const arn = await createStream(template, logicalId, kinesis);
    streamArns.set(arn, arn);
  }
  for (const logicalId of template.ofType('AWS::Kinesis::StreamConsumer')) {
    const { StreamARN, ConsumerName } = template.properties(logicalId);
    const arn = `${String(StreamARN)}/consumer/${String(ConsumerName)}:1`;
    template.provide(logicalId, {
      ref: arn,
      attributes: {
        ConsumerARN: arn,
        ConsumerName: String(ConsumerName),
        ConsumerStatus: 'ACTIVE',
        StreamARN: String(StreamARN),
      },
    });
    streamArns.set(arn, String(StreamARN));
  }
  return streamArns;
}

async function createStream(template: Template, logicalId: string, client: KinesisClient): Promise<string> {
  const { Name, ShardCount } = template.properties(logicalId, ['Name', 'ShardCount']);
  const name = physicalName(template, logicalId, Name);
  try {
    await client.send(
      new CreateStreamCommand({ StreamName: name, ShardCount: Number(ShardCount ?? ON_DEMAND_SHARDS) }),
    );
    await waitUntilStreamExists({ client, maxWaitTime: 30, minDelay: 0.02, maxDelay: 0.1 }, { StreamName: name });
    const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName: name }));
    const arn = StreamDescriptionSummary?.StreamARN ?? '';
    template.provide(logicalId, { ref: name, attributes: { Arn: arn } });
    return arn;
  } catch (error) {
    throw new Error(`Cannot create stream "${logicalId}": ${(error as Error).message}`, { cause: error });
  }
}
