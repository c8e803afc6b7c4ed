import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock, Dispatch, Place, Random, Sent, Transport } from '../../engine/ports';
import type { TableConfiguration } from '../configuration';
import { ENVELOPE, toItem } from './checkpoint-item';
import { daysAfter, MAX_ITEM_BYTES, text, TTL, type Item } from './item';
import { BatchWriter, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from './write-batch';

/** Bytes of an item that are kept free for what is beside the envelope: the keys and the journal entry. */
const RESERVED_BYTES = 8_192;

/** A stream keeps its records for a day. What is not read by then is lost there, so the item need not be kept much longer. */
const SENT_DAYS = 2;

/**
 * The stream of the checkpoint table as an event source: an envelope that is written into the table is delivered by the table's stream
 * (view type NEW_IMAGE, filtered on the attribute `envelope`). The journal entry of the step and the envelope of the next are one item,
 * so a transition is journaled by its dispatch.
 *
 * An envelope that is no journal entry's (a start, a wake-up, a retry) gets an item of its own with a name that no other has: a stream
 * tells only of changes, so the same text under the same key would not be delivered a second time.
 */
export class StreamEventSource implements Transport {
  public readonly name = 'dynamodb';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_BATCH_BYTES;
  public readonly maxBodyBytes = MAX_ITEM_BYTES - RESERVED_BYTES;
  public readonly longestDelay = 0;
  private readonly writer: BatchWriter;

  /** @param table the checkpoint table */
  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: Omit<TableConfiguration, 'service'>,
    private readonly system: { readonly clock: Clock; readonly random: Random },
  ) {
    this.writer = new BatchWriter(client, table.tableName, ['executionId', 'entry'], system);
  }

  public async send(dispatches: readonly Dispatch[]): Promise<readonly Sent[]> {
    const items = dispatches.map((dispatch) => this.toItem(dispatch));
    const errors = await this.writer.put(items);
    return dispatches.map(({ checkpoint }, index) => {
      const error = errors[index];
      return error
        ? { ok: false, error }
        : {
          ok: true,
          journaled: checkpoint !== undefined,
          place: { service: 'dynamodb', resource: this.table.tableName, messageId: items[index]?.entry?.S },
        };
    });
  }

  /** Reads the item that was put, whatever has become of its record in the stream. */
  public async readBack(executionId: string, { messageId }: Place): Promise<string | undefined> {
    if (messageId === undefined) return undefined;
    const { Item } = await this.client.send(new GetItemCommand({
      TableName: this.table.tableName,
      Key: { executionId: text(executionId), entry: text(messageId) },
      ConsistentRead: true,
    }));
    return Item?.[ENVELOPE]?.S;
  }

  private toItem({ envelope, body, checkpoint }: Dispatch): Item {
    if (checkpoint) {
      return { ...toItem(checkpoint, this.table.retentionDays), [ENVELOPE]: text(body) };
    }
    return {
      executionId: text(envelope.executionId),
      entry: text(`send#${this.system.random.id()}`),
      [ENVELOPE]: text(body),
      [TTL]: daysAfter(this.system.clock.now(), SENT_DAYS),
    };
  }
}
