import { ClientMailboxTable } from './client-mailbox-table';
import { daysAfter, readItem, text, texts } from './item';
import { toSecret } from './mailbox-items';
import { keyOf, secretKey } from './mailbox-keys';
import { TTL_ATTRIBUTE } from '../../contract/tables';
import type { CallbackSecret, ExecutionKey, Mail, Mailbox } from '../../engine/ports';
import { MAIL_DAYS } from '../../engine/ports/mailbox';

/** The mailboxes in the checkpoint table. */
export class MailboxTable extends ClientMailboxTable implements Mailbox {
  public async read(executionId: string, key: string): Promise<Mail | undefined> {
    const item = await this.items.get(keyOf(this.items, executionId, key));
    return item && readItem<Mail>(item, { id: 'string', event: 'string', data: 'JSON?', step: 'number?' });
  }

  public async createSecret(
    { executionId, incarnation }: ExecutionKey,
    step: number,
    { secret, events }: CallbackSecret,
  ): Promise<string> {
    const created = await this.items.update(
      keyOf(this.items, executionId, secretKey(incarnation, step)),
      {
        UpdateExpression: `SET secret = if_not_exists(secret, :secret), #events = :events, #${TTL_ATTRIBUTE} = :ttl`,
      },
      { secret: text(secret), events: texts(events), ttl: daysAfter(this.system.clock.now(), MAIL_DAYS) },
    );
    // Without a condition, the update is never refused.
    return toSecret(created.refused ? {} : created.output).secret;
  }
}
