import {
  MailboxFullError,
  type CallbackSecret,
  type Clock,
  type ExecutionKey,
  type Mail,
  type Mailbox,
  type MailPage,
  type PutResult,
  type Recipient,
  type WaitingMail,
} from '../../engine';
import { MAX_WAITING_BYTES, MAX_WAITING_MAILS } from '../../engine/ports/mailbox';

interface StoredMail extends WaitingMail {
  /** Empty for an early mail. */
  readonly incarnation: string;
  /** The data as text, so that callers cannot modify it afterwards. */
  readonly data?: string;
  hidden: boolean;
}

interface KnownId {
  readonly incarnation: string;
  readonly key: string;
  readonly event: string;
  readonly content: string;
}

interface Box {
  last: number;
  readonly ids: Map<string, KnownId>;
  /** By key, in the order of positions. */
  readonly mails: Map<string, StoredMail>;
}

/** A {@link Mailbox} in memory. */
export class InMemoryMailbox implements Mailbox {
  private readonly boxes = new Map<string, Box>();
  private readonly secrets = new Map<string, CallbackSecret>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  public async put(recipient: Recipient, mail: Mail): Promise<PutResult> {
    const { executionId, incarnation = '', forgotten } = recipient;
    const box = this.boxes.get(executionId) ?? { last: 0, ids: new Map(), mails: new Map() };
    this.boxes.set(executionId, box);
    const data = mail.data === undefined ? undefined : JSON.stringify(mail.data);
    const content = contentOf(mail);
    const id = mail.step === undefined ? mail.id : `${incarnation}@${mail.step}#${mail.event}`;
    const known = box.ids.get(id);
    const isForgotten =
      known &&
      (recipient.incarnation === undefined
        ? forgotten !== undefined && known.incarnation === forgotten
        : !['', incarnation].includes(known.incarnation));
    if (known && !isForgotten) {
      return { accepted: false, same: known.content === content, incarnation: known.incarnation || undefined };
    }
    if (mail.step === undefined) this.assertRoom(box, recipient, mail.event);
    box.last += 1;
    const key = `${box.last}`;
    box.ids.set(id, { incarnation, key, event: mail.event, content });
    const { step, event } = mail;
    const sentAt = this.clock.now();
    box.mails.set(key, { key, position: box.last, id: mail.id, event, step, incarnation, data, sentAt, hidden: false });
    return { accepted: true, key };
  }

  public async first(
    execution: ExecutionKey,
    events: readonly string[],
    step: number,
  ): Promise<WaitingMail | undefined> {
    return this.waiting(execution).find((mail) => events.includes(mail.event) && (mail.step ?? step) === step);
  }

  public async read(executionId: string, key: string): Promise<Mail | undefined> {
    const mail = this.boxes.get(executionId)?.mails.get(key);
    if (!mail) return undefined;
    const { id, event, step, data } = mail;
    return {
      id,
      event,
      // `put` serialized the text from the data of a Mail.
      data: data === undefined ? undefined : (JSON.parse(data) as Mail['data']),
      ...(step !== undefined && { step }),
    };
  }

  public async remove(executionId: string, key: string): Promise<boolean> {
    return this.boxes.get(executionId)?.mails.delete(key) ?? false;
  }

  public async list(execution: ExecutionKey, limit: number, next = '0'): Promise<MailPage> {
    const mails = this.waiting(execution).filter(({ step, position }) => step === undefined && position > Number(next));
    const page = mails.slice(0, limit);
    return { mails: page, ...(mails.length > limit && { next: String(page.at(-1)?.position) }) };
  }

  public async find(
    { executionId, incarnation }: ExecutionKey,
    id: string,
  ): Promise<{ readonly key: string; readonly event: string } | undefined> {
    const known = this.boxes.get(executionId)?.ids.get(id);
    return known && ['', incarnation].includes(known.incarnation) ? known : undefined;
  }

  public async hide(executionId: string, key: string, hidden: boolean): Promise<boolean> {
    const mail = this.boxes.get(executionId)?.mails.get(key);
    if (mail) mail.hidden = hidden;
    return mail !== undefined;
  }

  public async createSecret(execution: ExecutionKey, step: number, proposal: CallbackSecret): Promise<string> {
    const key = secretOf(execution, step);
    const { secret } = this.secrets.get(key) ?? proposal;
    this.secrets.set(key, { secret, events: proposal.events });
    return secret;
  }

  public async readSecret(execution: ExecutionKey, step: number): Promise<CallbackSecret | undefined> {
    return this.secrets.get(secretOf(execution, step));
  }

  public async expire({ executionId, incarnation }: ExecutionKey): Promise<void> {
    const box = this.boxes.get(executionId);
    for (const [key, mail] of box?.mails ?? []) {
      if (['', incarnation].includes(mail.incarnation)) box?.mails.delete(key);
    }
  }

  private waiting({ executionId, incarnation }: ExecutionKey): StoredMail[] {
    return [...(this.boxes.get(executionId)?.mails.values() ?? [])].filter(
      (mail) => !mail.hidden && ['', incarnation].includes(mail.incarnation),
    );
  }

  private assertRoom(box: Box, { executionId, incarnation }: Recipient, event: string): void {
    const counted = [...box.mails.values()].filter((mail) =>
      incarnation === undefined
        ? mail.incarnation === ''
        : mail.incarnation === incarnation && mail.event === event && mail.step === undefined,
    );
    const bytes = counted.reduce((sum, { data = 'null' }) => sum + Buffer.byteLength(data), 0);
    if (counted.length >= MAX_WAITING_MAILS || bytes >= MAX_WAITING_BYTES) {
      throw new MailboxFullError(executionId, event);
    }
  }
}

function secretOf({ executionId, incarnation }: ExecutionKey, step: number): string {
  return `${executionId} ${incarnation} ${step}`;
}

/** The content of a mail as text, with the members of objects in one order. */
function contentOf({ event, data }: Mail): string {
  return JSON.stringify([event, data], (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
