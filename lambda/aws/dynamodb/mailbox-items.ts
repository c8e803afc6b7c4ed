// eslint-disable-next-line import/no-nodejs-modules -- the content of an event is hashed synchronously
import { createHash } from 'node:crypto';
import { daysAfter, json, number, readItem, text, type Attributes, type Item } from './item';
import { TTL_ATTRIBUTE } from '../../contract/tables';
import type { CallbackSecret, Mail, PutResult, WaitingMail } from '../../engine/ports';
import { MAIL_DAYS } from '../../engine/ports/mailbox';
import { canonicalJson } from '../../machine/canonical-json';

// The items of a mailbox; see ClientMailboxTable.

/** The attributes of a mail without its data. */
export const SUMMARY = `entry, id, #event, #position, sentAt, #hidden, #${TTL_ATTRIBUTE}`;

/** The attributes of a mail, without its key. */
export function toItem(mail: Mail, position: number, now: number): Item {
  return {
    position: number(position),
    id: text(mail.id),
    event: text(mail.event),
    sentAt: number(now),
    bytes: number(bytesOf(mail)),
    ...(mail.data !== undefined && { data: json(mail.data) }),
    ...(mail.step !== undefined && { step: number(mail.step) }),
    [TTL_ATTRIBUTE]: daysAfter(now, MAIL_DAYS),
  };
}

/** The size of the data of a mail, in bytes. */
export function bytesOf({ data }: Mail): number {
  return Buffer.byteLength(JSON.stringify(data ?? null));
}

/** @param now milliseconds since the epoch. DynamoDB may take days to delete an expired item */
export function isExpired(item: Item, now: number): boolean {
  return Number(item[TTL_ATTRIBUTE]?.N ?? Number.POSITIVE_INFINITY) * 1_000 <= now;
}

/** What the mailbox knows of an accepted id. */
interface Accepted {
  readonly mail: string;
  readonly event: string;
  readonly hash: string;
  readonly incarnation: string;
}

export function toAccepted(item: Item): Accepted {
  return readItem<Accepted>(item, { mail: 'string', event: 'string', hash: 'string', incarnation: 'string' });
}

/** @param mine what this request wanted to store as `mail`: a repeated request may find its own first write */
export function outcomeOf(known: Item, key: string, mine: string, hash: string): PutResult {
  const { mail, hash: knownHash, incarnation } = toAccepted(known);
  if (mail === mine) return { accepted: true, key };
  return { accepted: false, same: knownHash === hash, incarnation: incarnation || undefined };
}

/** Identifies the content of a mail. */
export function hashOf({ event, data }: Mail): string {
  return createHash('sha256').update(canonicalJson({ event, data })).digest('base64url');
}

/** The attributes of a mail that waits. */
const WAITING: Attributes<Omit<WaitingMail, 'key' | 'step'> & { readonly entry: string }> = {
  entry: 'string',
  position: 'number',
  id: 'string',
  event: 'string',
  sentAt: 'number',
};

export function toWaiting(item: Item): WaitingMail {
  const { entry, ...mail } = readItem(item, WAITING);
  return { key: entry, ...mail };
}

export function toSecret(item: Item): CallbackSecret {
  return readItem<CallbackSecret>(item, { secret: 'string', events: 'list of strings' });
}
