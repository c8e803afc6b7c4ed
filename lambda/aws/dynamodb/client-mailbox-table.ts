import {
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type CancellationReason,
  type DynamoDBClient,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { daysAfter, readItem, text, number, type Item } from './item';
import { COUNTER, MailboxCounter } from './mailbox-counter';
import { hashOf, isExpired, outcomeOf, SUMMARY, toAccepted, toItem, toSecret, toWaiting } from './mailbox-items';
import {
  callbackKey,
  eventPrefix,
  idEntry,
  idsOf,
  keyOf,
  mailKey,
  mailPrefix,
  secretKey,
  STARTS_WITH,
  startsWith,
  stepPrefix,
} from './mailbox-keys';
import { persist } from './patience';
import { EXISTS, IS_NEW, settingAll, Table, withOperands, type QueryPage } from './table';
import type { WorkflowTable } from './workflow-table';
import { BatchWriter, MAX_BATCH_ENTRIES } from './write-batch';
import { TTL_ATTRIBUTE } from '../../contract/tables';
import type {
  CallbackSecret,
  ClientMailbox,
  ExecutionKey,
  Mail,
  MailPage,
  PutResult,
  Recipient,
  WaitingMail,
} from '../../engine/ports';
import { MAIL_DAYS } from '../../engine/ports/mailbox';
import { slices } from '../batches/slices';
import type { BrokerSystem } from '../broker';

/** Maximum number of mails that are read at once when the first ones have expired or are hidden. */
const SKIPPED_PAGE = 100;

/** A query for mails without their data. */
const SUMMARIES = { ...STARTS_WITH, ProjectionExpression: SUMMARY };

/**
 * The operations of clients on the mailboxes in the checkpoint table. The mailbox of an execution consists of these items. The partition of
 * `e` is that of {@link partitionOf}.
 *
 * | partition  | entry                            | attributes                               | content                                |
 * | ---------- | -------------------------------- | ---------------------------------------- | -------------------------------------- |
 * | `e`        | `mailbox`                        | `last`; count and bytes of each event    | the latest position                    |
 * | `e`        | `mail#a7…#4:paid#000000000001`   | `position`, `id`, `event`, `data` …      | the mail at position 1 for incarnation a7… |
 * | `e`        | `mail##4:paid#000000000002`      |                                          | an early mail                          |
 * | `e`        | `mail#a7…@3#4:done`              |                                          | the mail of the callback token of step 3 |
 * | `e`        | `mailsecret#a7…#3`               | `secret`, `events`                       | the secret that seals that token       |
 * | `e ids`    | `id#…`                           | `hash`, `incarnation`, `mail`, `event`   | an accepted id, and the hash of its content |
 *
 * A send adds to the counter, and then writes the id and the mail in one transaction. The transaction does not touch the counter, so
 * concurrent senders never conflict. The ids have a partition of their own, so that one partition does not receive all writes of a busy
 * execution. The first mail of each event is one query of one item; no operation reads the data of any other mail.
 *
 * Every item expires: mails and secrets after {@link MAIL_DAYS}, ids after the retention of the table. DynamoDB may take days to
 * delete an expired item, so it is ignored.
 */
export class ClientMailboxTable implements ClientMailbox {
  protected readonly items: Table;
  private readonly counter: MailboxCounter;

  constructor(
    private readonly client: DynamoDBClient,
    private readonly table: WorkflowTable,
    protected readonly system: BrokerSystem,
  ) {
    this.items = new Table(client, table);
    this.counter = new MailboxCounter(this.items, system);
  }

  public async put(recipient: Recipient, mail: Mail): Promise<PutResult> {
    const hash = hashOf(mail);
    let result: PutResult | undefined;
    // A position is taken if the counter has expired, or an earlier execution has left a mail there.
    while (!result) {
      const position = await this.counter.next(recipient, mail);
      result = await persist(this.system, () =>
        mail.step === undefined
          ? this.putWithId(recipient, mail, position, hash)
          : this.putForStep(recipient, mail, mail.step, position, hash),
      );
    }
    return result;
  }

  public async first(
    execution: ExecutionKey,
    events: readonly string[],
    step: number,
  ): Promise<WaitingMail | undefined> {
    const { executionId, incarnation } = execution;
    const counted = await this.counter.read(executionId);
    if (!counted) return undefined;
    const boxes = counted.hasEarly ? [incarnation, ''] : [incarnation];
    const heads = await Promise.all([
      this.mailsOfStep(execution, step),
      ...boxes.flatMap((box) => events.map((event) => this.head(executionId, eventPrefix(box, event)))),
    ]);
    return heads
      .flat()
      .filter(({ event }) => events.includes(event))
      .sort((a, b) => a.position - b.position)[0];
  }

  public remove(executionId: string, key: string): Promise<boolean> {
    return this.items.delete(keyOf(this.items, executionId, key));
  }

  public async list(execution: ExecutionKey, limit: number, next?: string): Promise<MailPage> {
    const { executionId, incarnation } = execution;
    const mails: WaitingMail[] = [];
    const prefixes = [...new Set([mailPrefix(''), mailPrefix(incarnation)])];
    let after = next;
    for (const prefix of after?.startsWith(mailPrefix('')) === false ? prefixes.slice(1) : prefixes) {
      do {
        const page = await this.summaries(executionId, prefix, {
          Limit: limit - mails.length,
          ExclusiveStartKey: after === undefined ? undefined : keyOf(this.items, executionId, after),
        });
        mails.push(...page.items.filter((item) => this.isWaiting(item)).map(toWaiting));
        after = page.next?.entry?.S;
        if (mails.length >= limit && after !== undefined) return { mails: inOrder(mails), next: after };
      } while (after !== undefined);
      if (mails.length >= limit && prefix !== prefixes.at(-1)) {
        return { mails: inOrder(mails), next: mailPrefix(incarnation) };
      }
    }
    return { mails: inOrder(mails) };
  }

  public async find(
    { executionId, incarnation }: ExecutionKey,
    id: string,
  ): Promise<{ readonly key: string; readonly event: string } | undefined> {
    const item = await this.items.get(keyOf(this.items, idsOf(executionId), idEntry(id)));
    if (!item || isExpired(item, this.system.clock.now())) return undefined;
    const found = toAccepted(item);
    return ['', incarnation].includes(found.incarnation) ? { key: found.mail, event: found.event } : undefined;
  }

  public hide(executionId: string, key: string, hidden: boolean): Promise<boolean> {
    return this.items.change(
      keyOf(this.items, executionId, key),
      {
        UpdateExpression: hidden ? 'SET #hidden = :true' : 'REMOVE #hidden',
        ConditionExpression: EXISTS,
      },
      { true: { BOOL: true } },
    );
  }

  public async readSecret(
    { executionId, incarnation }: ExecutionKey,
    step: number,
  ): Promise<CallbackSecret | undefined> {
    const item = await this.items.get(keyOf(this.items, executionId, secretKey(incarnation, step)));
    return item && toSecret(item);
  }

  public async expire({ executionId, incarnation }: ExecutionKey): Promise<void> {
    const prefixes = [COUNTER, mailPrefix(''), mailPrefix(incarnation), `mail#${incarnation}@`];
    const items = await this.items.queryAll(
      { ...STARTS_WITH, ProjectionExpression: 'entry' },
      startsWith(this.items, executionId, 'mail'),
    );
    const entries = items
      .map((item) => readItem<{ entry: string }>(item, { entry: 'string' }).entry)
      .filter((entry) => prefixes.some((prefix) => entry.startsWith(prefix)));
    const writer = new BatchWriter(this.client, this.table.tableName, this.system);
    for (const batch of slices(entries, MAX_BATCH_ENTRIES)) {
      const error = (await writer.delete(batch.map((entry) => keyOf(this.items, executionId, entry)))).find(Boolean);
      if (error) throw error;
    }
  }

  /**
   * S2: the id and the mail, in one transaction.
   *
   * @returns nothing if another mail has the position
   */
  private async putWithId(
    recipient: Recipient,
    mail: Mail,
    position: number,
    hash: string,
  ): Promise<PutResult | undefined> {
    const TableName = this.table.tableName;
    const { executionId, incarnation = '', forgotten } = recipient;
    const now = this.system.clock.now();
    const key = mailKey(incarnation, mail.event, position);
    const mayReplace =
      recipient.incarnation !== undefined
        ? ' OR NOT incarnation IN (:incarnation, :early)'
        : forgotten !== undefined
          ? ' OR incarnation = :incarnation'
          : '';
    try {
      // The SDK adds a token to the transaction, by which DynamoDB recognizes a retry after a lost response.
      await this.client.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            {
              Put: {
                TableName,
                Item: {
                  ...keyOf(this.items, idsOf(executionId), idEntry(mail.id)),
                  incarnation: text(incarnation),
                  event: text(mail.event),
                  mail: text(key),
                  hash: text(hash),
                  [TTL_ATTRIBUTE]: daysAfter(now, this.table.retentionDays),
                },
                ...withOperands(
                  { ConditionExpression: `${IS_NEW} OR #${TTL_ATTRIBUTE} < :now${mayReplace}` },
                  {
                    now: number(Math.floor(now / 1_000)),
                    incarnation: text(recipient.incarnation ?? forgotten ?? ''),
                    early: text(''),
                  },
                ),
                ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
              },
            },
            {
              Put: {
                TableName,
                Item: { ...keyOf(this.items, executionId, key), ...toItem(mail, position, now) },
                ConditionExpression: IS_NEW,
              },
            },
          ],
        }),
      );
      return { accepted: true, key };
    } catch (thrown) {
      const [id, place] = refusalsOf(thrown);
      if (id?.Item) return outcomeOf(id.Item, key, key, hash);
      if (place?.Code === 'ConditionalCheckFailed') return undefined;
      throw thrown;
    }
  }

  /** The key of the mail of a callback token is its id: each event of the step has one mail. */
  private async putForStep(
    { executionId, incarnation = '' }: Recipient,
    mail: Mail,
    step: number,
    position: number,
    hash: string,
  ): Promise<PutResult> {
    const key = callbackKey(incarnation, step, mail.event);
    const item: Item = {
      ...toItem(mail, position, this.system.clock.now()),
      hash: text(hash),
      mail: text(String(position)),
    };
    const write = await this.items.update(
      keyOf(this.items, executionId, key),
      { UpdateExpression: settingAll(item), ConditionExpression: IS_NEW },
      item,
    );
    if (!write.refused || !write.item) return { accepted: true, key };
    return outcomeOf({ ...write.item, incarnation: text(incarnation) }, key, String(position), hash);
  }

  /** The first waiting mail under a prefix: one item, unless the first ones have expired or are hidden. */
  private async head(executionId: string, prefix: string): Promise<readonly WaitingMail[]> {
    let ExclusiveStartKey: Item | undefined;
    let Limit = 1;
    do {
      const page = await this.summaries(executionId, prefix, { Limit, ExclusiveStartKey });
      const found = page.items.find((item) => this.isWaiting(item));
      if (found) return [toWaiting(found)];
      ExclusiveStartKey = page.next;
      Limit = SKIPPED_PAGE;
    } while (ExclusiveStartKey);
    return [];
  }

  private async mailsOfStep({ executionId, incarnation }: ExecutionKey, step: number): Promise<readonly WaitingMail[]> {
    const items = await this.items.queryAll(
      SUMMARIES,
      startsWith(this.items, executionId, stepPrefix(incarnation, step)),
    );
    return items.map((item) => ({ ...toWaiting(item), step }));
  }

  private summaries(
    executionId: string,
    prefix: string,
    range: Pick<QueryCommandInput, 'Limit' | 'ExclusiveStartKey'>,
  ): Promise<QueryPage> {
    return this.items.query(SUMMARIES, startsWith(this.items, executionId, prefix), range);
  }

  private isWaiting(item: Item): boolean {
    return !item.hidden && !isExpired(item, this.system.clock.now());
  }
}

/** The refusals of a transaction, if conditions are the only reason. */
function refusalsOf(thrown: unknown): readonly CancellationReason[] {
  const reasons = thrown instanceof TransactionCanceledException ? (thrown.CancellationReasons ?? []) : [];
  return reasons.every(({ Code }) => Code === 'None' || Code === 'ConditionalCheckFailed') ? reasons : [];
}

function inOrder(mails: readonly WaitingMail[]): readonly WaitingMail[] {
  return [...mails].sort((a, b) => a.position - b.position);
}
