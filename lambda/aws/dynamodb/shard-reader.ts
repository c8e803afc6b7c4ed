import { DynamoDBStreamsClient, GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-dynamodb-streams';
import { ENVELOPE_ATTRIBUTE } from '../../contract/tables';
import type { BrokerSystem } from '../broker';
import { CLIENT_OPTIONS } from '../client-options';
import type { ShardReader } from '../discarded-records';
import { prepareClient } from '../prepare-client';

/** Reads the shards of a table's stream. */
export class DynamoDbShardReader implements ShardReader {
  private readonly client: DynamoDBStreamsClient;

  constructor(
    { region }: BrokerSystem,
    private readonly streamArn: string,
  ) {
    this.client = prepareClient(new DynamoDBStreamsClient({ ...CLIENT_OPTIONS, region }));
  }

  public close(): void {
    this.client.destroy();
  }

  public async iterator(shard: string, sequenceNumber: string): Promise<string | undefined> {
    try {
      const { ShardIterator } = await this.client.send(
        new GetShardIteratorCommand({
          StreamArn: this.streamArn,
          ShardId: shard,
          ShardIteratorType: 'AT_SEQUENCE_NUMBER',
          SequenceNumber: sequenceNumber,
        }),
      );
      return ShardIterator;
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === 'TrimmedDataAccessException') return undefined;
      throw thrown;
    }
  }

  public async page(iterator: string) {
    const { Records = [], NextShardIterator } = await this.client.send(
      new GetRecordsCommand({ ShardIterator: iterator }),
    );
    return {
      records: Records.map(({ dynamodb }) => ({
        sequenceNumber: dynamodb?.SequenceNumber ?? '',
        // Most items of the checkpoint table have no envelope. The event source mapping filters them out.
        body: dynamodb?.NewImage?.[ENVELOPE_ATTRIBUTE]?.S,
      })),
      next: NextShardIterator,
    };
  }
}
