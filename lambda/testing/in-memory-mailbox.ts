import { MailboxFullError, type Mail, type Mailbox } from '../engine';
import { MAX_WAITING_MAILS } from '../engine/mailbox-position';

interface Box {
  last: number;
  readonly ids: Set<string>;
  /** By position, as text: what waits can be changed by nobody who still holds the object. */
  readonly waiting: Map<number, string>;
}

/** A {@link Mailbox} in memory. */
export class InMemoryMailbox implements Mailbox {
  private readonly boxes = new Map<string, Box>();
  private readonly secrets = new Map<string, string>();

  public async put(executionId: string, mail: Omit<Mail, 'position'>): Promise<void> {
    const box = this.boxes.get(executionId) ?? { last: 0, ids: new Set(), waiting: new Map() };
    this.boxes.set(executionId, box);
    if (box.ids.has(mail.id)) {
      return;
    }
    if (mail.step === undefined && box.waiting.size >= MAX_WAITING_MAILS) throw new MailboxFullError(executionId, MAX_WAITING_MAILS);
    box.last += 1;
    box.ids.add(mail.id);
    box.waiting.set(box.last, JSON.stringify({ ...mail, position: box.last }));
  }

  public async list(executionId: string): Promise<readonly Mail[]> {
    // A Map keeps the order of insertion, which is that of the positions. The texts were made from a Mail by `put`.
    return [...this.boxes.get(executionId)?.waiting.values() ?? []].map((text) => JSON.parse(text) as Mail);
  }

  public async remove(executionId: string, positions: readonly number[]): Promise<void> {
    const box = this.boxes.get(executionId);
    for (const position of positions) {
      box?.waiting.delete(position);
    }
  }

  public async createSecret(executionId: string, proposal: string): Promise<string> {
    const secret = this.secrets.get(executionId) ?? proposal;
    this.secrets.set(executionId, secret);
    return secret;
  }

  public async readSecret(executionId: string): Promise<string | undefined> {
    return this.secrets.get(executionId);
  }

  public async expire(executionId: string): Promise<void> {
    this.secrets.delete(executionId);
    this.boxes.delete(executionId);
  }
}
