import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SENT, toItem } from './checkpoint-item';
import { daysAfter, MAX_ITEM_BYTES, text, type Item } from './item';
import type { WorkflowTable } from './workflow-table';
import { BatchWriter, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from './write-batch';
import { ENVELOPE_ATTRIBUTE, partitionOf, TTL_ATTRIBUTE } from '../../contract/tables';
import type { OutgoingEnvelope, Place, DispatchResult, Transport } from '../../engine/ports';
import type { BrokerSystem } from '../broker';

/** The bytes of an item that are reserved for its keys and its journal entry. */
const RESERVED_BYTES = 8_192;

/** The days for which a message without a journal entry is kept. A stream retains its records for one day. */
const MESSAGE_RETENTION_DAYS = 2;

/**
 * The stream of the checkpoint table as an event source. Writing an envelope to the table sends it: the stream of the table (view type
 * NEW_IMAGE, filtered by the envelope attribute) delivers it. The journal entry of a step and the envelope of the next step are one item,
 * so the dispatch of a transition also journals it.
 *
 * An envelope without a journal entry (a start, a wake-up or a retry) is an item with a unique key: a stream delivers changes only, so
 * writing the same envelope under the same key again would deliver nothing.
 */
export class DynamoDbEventSource implements Transport {
  public readonly name = 'dynamodb';
  public readonly maxBatchEntries = MAX_BATCH_ENTRIES;
  public readonly maxBatchBytes = MAX_BATCH_BYTES;
  public readonly maxBodyBytes = MAX_ITEM_BYTES - RESERVED_BYTES;
  private readonly writer: BatchWriter;

  /** @param table the checkpoint table */
  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: WorkflowTable,
    private readonly system: BrokerSystem,
  ) {
    this.writer = new BatchWriter(client, table.tableName, system);
  }

  public async send(dispatches: readonly OutgoingEnvelope[]): Promise<readonly DispatchResult[]> {
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

  /** Reads the envelope from its item, whether or not the stream still has its record. */
  public async readBack(executionId: string, { messageId }: Place): Promise<string | undefined> {
    if (messageId === undefined) return undefined;
    const { Item } = await this.client.send(
      new GetItemCommand({
        TableName: this.table.tableName,
        Key: { executionId: text(partitionOf(this.table.workflow, executionId)), entry: text(messageId) },
        ConsistentRead: true,
      }),
    );
    return Item?.[ENVELOPE_ATTRIBUTE]?.S;
  }

  private toItem({ envelope, body, checkpoint }: OutgoingEnvelope): Item {
    if (checkpoint) {
      return { ...toItem(checkpoint, this.table), ...SENT, [ENVELOPE_ATTRIBUTE]: text(body) };
    }
    return {
      executionId: text(partitionOf(this.table.workflow, envelope.executionId)),
      entry: text(`send#${this.system.random.id()}`),
      [ENVELOPE_ATTRIBUTE]: text(body),
      [TTL_ATTRIBUTE]: daysAfter(this.system.clock.now(), MESSAGE_RETENTION_DAYS),
    };
  }
}
