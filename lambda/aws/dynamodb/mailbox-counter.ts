import { daysAfter, number, readItem, type Item } from './item';
import { bytesOf, isExpired } from './mailbox-items';
import { eventPrefix, keyOf, mailPrefix, STARTS_WITH, startsWith } from './mailbox-keys';
import { persist } from './patience';
import type { Table } from './table';
import { TTL_ATTRIBUTE } from '../../contract/tables';
import { MailboxFullError } from '../../engine/errors';
import type { Mail, Recipient } from '../../engine/ports';
import { MAIL_DAYS, MAX_WAITING_BYTES, MAX_WAITING_MAILS } from '../../engine/ports/mailbox';
import type { BrokerSystem } from '../broker';

/** The sort key of the counter. */
export const COUNTER = 'mailbox';

/** Pause between two counts of the same full mailbox, in milliseconds: a count reads all mails of one event. */
const COUNT_PAUSE_MS = 10_000;

/** Numbers a mail. */
const NUMBERED = { UpdateExpression: `SET #last = if_not_exists(#last, :zero) + :one, #${TTL_ATTRIBUTE} = :ttl` };

/** Numbers a mail, and counts it with its bytes. */
const COUNTED = {
  UpdateExpression: `${NUMBERED.UpdateExpression}, #count = if_not_exists(#count, :zero) + :one, #bytes = if_not_exists(#bytes, :zero) + :size`,
  ConditionExpression:
    '(attribute_not_exists(#count) OR #count < :maxCount) AND (attribute_not_exists(#bytes) OR #bytes < :maxBytes)',
};

/** Numbers the mails of an execution, and limits how many wait for each event. */
export class MailboxCounter {
  constructor(
    private readonly items: Table,
    private readonly system: BrokerSystem,
  ) {}

  /** @returns nothing if the execution has received no mail. `hasEarly` tells whether a mail came before an execution existed */
  public async read(executionId: string): Promise<{ readonly hasEarly: boolean } | undefined> {
    const counter = await this.items.get(keyOf(this.items, executionId, COUNTER));
    return counter && { hasEarly: counter[countsOf({ executionId }, '').count] !== undefined };
  }

  /**
   * Counts a mail. Gaps remain where the mail is then not stored.
   *
   * @returns the position of the mail
   * @throws MailboxFullError if too many mails, or too many bytes, wait for the event
   */
  public async next(recipient: Recipient, mail: Mail): Promise<number> {
    const { executionId } = recipient;
    const names = countsOf(recipient, mail.event);
    const values = {
      zero: number(0),
      one: number(1),
      ttl: daysAfter(this.system.clock.now(), MAIL_DAYS),
      size: number(bytesOf(mail)),
      maxCount: number(MAX_WAITING_MAILS),
      maxBytes: number(MAX_WAITING_BYTES),
    };
    for (let recounted = false; ; recounted = true) {
      const write = await persist(this.system, () =>
        // Mails for a step do not count.
        this.items.update(
          keyOf(this.items, executionId, COUNTER),
          mail.step === undefined ? COUNTED : NUMBERED,
          values,
          names,
        ),
      );
      if (!write.refused) return readItem<{ last: number }>(write.output, { last: 'number' }).last;
      const hasRoom = !recounted && write.item && (await this.recount(recipient, mail.event, write.item));
      if (!hasRoom) throw new MailboxFullError(executionId, mail.event);
    }
  }

  /**
   * Corrects the count of an event that seems full: a removal does not change the count. One sender counts at a time, and rarely.
   *
   * @param counter the counter that refused the mail
   * @returns whether there is room
   */
  private async recount(recipient: Recipient, event: string, counter: Item): Promise<boolean> {
    const { executionId, incarnation } = recipient;
    const names = countsOf(recipient, event);
    const now = this.system.clock.now();
    const last = Number(counter[names.checked]?.N ?? 0);
    if (now < last + COUNT_PAUSE_MS) return false;
    const prefix = incarnation === undefined ? mailPrefix('') : eventPrefix(incarnation, event);
    const items = await this.items.queryAll(
      { ...STARTS_WITH, ProjectionExpression: `#bytes, #${TTL_ATTRIBUTE}` },
      startsWith(this.items, executionId, prefix),
    );
    const waiting = items.filter((item) => !isExpired(item, now));
    const sum = waiting.reduce(
      (total, item) => total + readItem<{ bytes: number }>(item, { bytes: 'number' }).bytes,
      0,
    );
    const known = (name: string) => Number(counter[name]?.N ?? 0);
    // Relative, so that mails that were counted in the meantime stay counted.
    const corrected = await this.items.change(
      keyOf(this.items, executionId, COUNTER),
      {
        UpdateExpression: 'SET #checked = :now, #count = #count - :count, #bytes = #bytes - :bytes',
        ConditionExpression: 'attribute_not_exists(#checked) OR #checked = :last',
      },
      {
        now: number(now),
        last: number(last),
        count: number(known(names.count) - waiting.length),
        bytes: number(known(names.bytes) - sum),
      },
      names,
    );
    return !corrected || (waiting.length < MAX_WAITING_MAILS && sum < MAX_WAITING_BYTES);
  }
}

/** The attributes of the counter that count an event. Early events, whose names no machine bounds, are counted together. */
function countsOf({ incarnation }: Recipient, event: string) {
  const name = incarnation === undefined ? '' : event;
  return { count: `count:${name}`, bytes: `bytes:${name}`, checked: `checked:${name}` };
}
