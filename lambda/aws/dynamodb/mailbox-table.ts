import { GetItemCommand, TransactionCanceledException, TransactWriteItemsCommand, UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { MailboxFullError } from '../../engine/errors';
import { MAX_WAITING_MAILS } from '../../engine/mailbox-position';
import type { Clock, Mail, Mailbox, Random } from '../../engine/ports';
import type { TableConfiguration } from '../configuration';
import { expireItem } from './expire-item';
import { ItemReader, json, number, text, TTL, type Item } from './item';
import { entriesOf, queryAll } from './query-all';
import { BatchWriter, MAX_BATCH_ENTRIES } from './write-batch';

const COUNTER = 'mailbox';
const MAIL_PREFIX = 'mail#';
const ID_PREFIX = 'mailid#';
const SECRET = 'mailsecret';

/** How often a put that others were quicker than is tried again, and the bounds of its waits (full jitter). */
const MAX_ATTEMPTS = 20;
const FIRST_WAIT = 20;
const LONGEST_WAIT = 640;

/** Others put mail into the same mailbox all the time, so that this mail did not get in. It was not accepted. */
export class MailboxBusyError extends Error {
  public override readonly name = 'MailboxBusyError';

  constructor(executionId: string) {
    super(`The mailbox of execution "${executionId}" was changed by others in each of ${MAX_ATTEMPTS} attempts to put an event into it. ` +
      'The event was not accepted: send it again, with the same id.');
  }
}

/** Why a mail was not put in. */
interface Refusal {
  /** Its id was accepted before. */
  readonly isKnown: boolean;
  /** The latest position, if it is not what it was taken for. */
  readonly last?: number;
}

/**
 * The mailboxes in the checkpoint table. An execution's mailbox is
 *
 * | entry              | attributes                          |                                                                     |
 * | ------------------ | ----------------------------------- | ------------------------------------------------------------------- |
 * | `mailbox`          | `last`                              | the latest position                                                 |
 * | `mail#0000000001`  | `position`, `id`, `event`, `data`   | the mail at position 1, until it is removed                         |
 * | `mailid#…`         |                                     | an id that was accepted, so that the mail is not accepted once more |
 * | `mailsecret`       | `secret`                            | what the execution's callback tokens are sealed with                |
 *
 * The first three are written in one transaction, or none of them: there is no position without a mail, no mail without its id.
 * None of them expires while the execution lives. See {@link MailboxTable.expire}. DynamoDB takes days to delete what has expired, and
 * the executionId may be used anew by then. So whatever has a time to live is of an execution that has ended, and counts for nothing.
 */
export class MailboxTable implements Mailbox {
  private readonly writer: BatchWriter;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: Omit<TableConfiguration, 'service'>,
    private readonly system: { readonly clock: Clock; readonly random: Random },
  ) {
    this.writer = new BatchWriter(client, table.tableName, ['executionId', 'entry'], system);
  }

  /**
   * @throws MailboxBusyError when others were quicker every time
   * @throws MailboxFullError when too many wait; some more may, where many are put at once
   */
  public async put(executionId: string, mail: Omit<Mail, 'position'>): Promise<void> {
    // Most mailboxes get a single mail, so the first attempt takes the box for empty; a refusal tells what it really holds.
    let last = 0;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const refusal = await this.tryPut(executionId, { ...mail, position: last + 1 }, last);
      if (!refusal || refusal.isKnown) {
        return;
      }
      last = refusal.last ?? last;
      if (mail.step === undefined && last >= MAX_WAITING_MAILS) await this.assertRoom(executionId);
      if (attempt > 0 || refusal.last === undefined) {
        await this.system.clock.sleep(this.system.random.next() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt));
      }
    }
    throw new MailboxBusyError(executionId);
  }

  public async list(executionId: string): Promise<readonly Mail[]> {
    const items = await queryAll(this.client, entriesOf(this.table.tableName, executionId, MAIL_PREFIX));
    return items.filter((item) => !item[TTL]).map(toMail);
  }

  public async remove(executionId: string, positions: readonly number[]): Promise<void> {
    for (let start = 0; start < positions.length; start += MAX_BATCH_ENTRIES) {
      const keys = positions.slice(start, start + MAX_BATCH_ENTRIES).map((position) => keyOf(executionId, mailKey(position)));
      const error = (await this.writer.delete(keys)).find((candidate) => candidate !== undefined);
      if (error) {
        throw error;
      }
    }
  }

  public async createSecret(executionId: string, proposal: string): Promise<string> {
    const { Attributes = {} } = await this.client.send(new UpdateItemCommand({
      TableName: this.table.tableName,
      Key: keyOf(executionId, SECRET),
      // An execution of that name that has ended long ago may have left one that is about to be forgotten.
      UpdateExpression: 'SET #secret = if_not_exists(#secret, :proposal) REMOVE #ttl',
      ExpressionAttributeNames: { '#secret': 'secret', '#ttl': TTL },
      ExpressionAttributeValues: { ':proposal': text(proposal) },
      ReturnValues: 'ALL_NEW',
    }));
    return new ItemReader(Attributes).text('secret');
  }

  public async readSecret(executionId: string): Promise<string | undefined> {
    const { Item } = await this.client.send(new GetItemCommand({
      TableName: this.table.tableName, Key: keyOf(executionId, SECRET), ConsistentRead: true,
    }));
    return Item && new ItemReader(Item).text('secret');
  }

  /** Lets the whole mailbox of an execution that has ended, with what was not taken out of it, go the way of its checkpoints. */
  public async expire(executionId: string): Promise<void> {
    const items = await queryAll(this.client, {
      ...entriesOf(this.table.tableName, executionId, 'mail'),
      ProjectionExpression: 'entry',
    });
    const { tableName, retentionDays } = this.table;
    const now = this.system.clock.now();
    await Promise.all(items.map((item) => (
      expireItem(this.client, tableName, keyOf(executionId, new ItemReader(item).text('entry')), now, retentionDays)
    )));
  }

  /** Asked only where so many have come that all of them would be too many: nearly no mailbox gets more than some. */
  private async assertRoom(executionId: string): Promise<void> {
    const waiting = await queryAll(this.client, {
      ...entriesOf(this.table.tableName, executionId, MAIL_PREFIX),
      ProjectionExpression: 'entry, #ttl',
      ExpressionAttributeNames: { '#ttl': TTL },
    });
    if (waiting.filter((item) => !item[TTL]).length >= MAX_WAITING_MAILS) throw new MailboxFullError(executionId, MAX_WAITING_MAILS);
  }

  /**
   * @param last what is taken for the latest position
   * @returns nothing when the mail is in
   */
  private async tryPut(executionId: string, mail: Mail, last: number): Promise<Refusal | undefined> {
    const TableName = this.table.tableName;
    const isNew = 'attribute_not_exists(entry)';
    const isOfAnother = 'attribute_exists(#ttl)';
    try {
      // The SDK gives the transaction a token, by which DynamoDB knows a repetition whose first answer was lost.
      await this.client.send(new TransactWriteItemsCommand({
        TransactItems: [
          {
            Put: {
              TableName,
              Item: keyOf(executionId, ID_PREFIX + mail.id),
              ConditionExpression: `${isNew} OR ${isOfAnother}`,
              ExpressionAttributeNames: { '#ttl': TTL },
            },
          },
          {
            Update: {
              TableName,
              Key: keyOf(executionId, COUNTER),
              UpdateExpression: 'SET #last = :position REMOVE #ttl',
              ConditionExpression: last === 0 ? isNew : '#last = :last',
              ExpressionAttributeNames: { '#last': 'last', '#ttl': TTL },
              ExpressionAttributeValues: { ':position': number(mail.position), ...last === 0 ? {} : { ':last': number(last) } },
              ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
            },
          },
          { Put: { TableName, Item: toItem(executionId, mail) } },
        ],
      }));
      return undefined;
    } catch (thrown) {
      const reasons = thrown instanceof TransactionCanceledException ? thrown.CancellationReasons ?? [] : [];
      const [id, counter] = reasons;
      const isKnown = id?.Code === 'ConditionalCheckFailed';
      const isOvertaken = reasons.every(({ Code }) => Code === 'None' || Code === 'ConditionalCheckFailed' || Code === 'TransactionConflict');
      if (reasons.length === 0 || !isOvertaken) {
        throw thrown;
      }
      return { isKnown, last: counter?.Item && new ItemReader(counter.Item).number('last') };
    }
  }
}

function keyOf(executionId: string, entry: string): Item {
  return { executionId: text(executionId), entry: text(entry) };
}

function mailKey(position: number): string {
  return `${MAIL_PREFIX}${String(position).padStart(10, '0')}`;
}

function toItem(executionId: string, mail: Mail): Item {
  return {
    ...keyOf(executionId, mailKey(mail.position)),
    position: number(mail.position),
    id: text(mail.id),
    event: text(mail.event),
    ...mail.data === undefined ? {} : { data: json(mail.data) },
    ...mail.step === undefined ? {} : { step: number(mail.step) },
  };
}

function toMail(item: Item): Mail {
  const read = new ItemReader(item);
  return {
    position: read.number('position'),
    id: read.text('id'),
    event: read.text('event'),
    data: read.optionalJson('data'),
    ...item.step && { step: read.number('step') },
  };
}
