import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type KinesisClientConfig,
} from '@aws-sdk/client-kinesis';
import { textOf } from './records';
import type { BrokerSystem } from '../broker';
import { CLIENT_OPTIONS } from '../client-options';
import type { ShardReader } from '../discarded-records';
import { prepareClient } from '../prepare-client';

/** Reads the shards of a Kinesis data stream. */
export class KinesisShardReader implements ShardReader {
  private readonly client: KinesisClient;
  private readonly streamName: string;

  /** @param requestHandler a handler for HTTP/1.1, as for the event source */
  constructor({ region }: BrokerSystem, requestHandler: KinesisClientConfig['requestHandler'], streamArn: string) {
    this.client = prepareClient(new KinesisClient({ ...CLIENT_OPTIONS, region, requestHandler }));
    this.streamName = streamArn.slice(streamArn.indexOf('/') + 1);
  }

  public close(): void {
    this.client.destroy();
  }

  public async iterator(shard: string, sequenceNumber: string): Promise<string | undefined> {
    const { ShardIterator } = await this.client.send(
      new GetShardIteratorCommand({
        StreamName: this.streamName,
        ShardId: shard,
        ShardIteratorType: 'AT_SEQUENCE_NUMBER',
        StartingSequenceNumber: sequenceNumber,
      }),
    );
    return ShardIterator;
  }

  public async page(iterator: string) {
    const { Records = [], NextShardIterator } = await this.client.send(
      new GetRecordsCommand({ ShardIterator: iterator }),
    );
    return {
      records: Records.map(({ SequenceNumber = '', Data }) => ({
        sequenceNumber: SequenceNumber,
        body: Data && textOf(Buffer.from(Data)),
      })),
      next: NextShardIterator,
    };
  }
}
