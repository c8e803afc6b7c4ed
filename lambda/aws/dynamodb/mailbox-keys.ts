import { text, type Item } from './item';
import type { Table } from './table';

// The sort keys of a mailbox; see ClientMailboxTable. Event names may contain every separator, so their lengths precede them.

/** The prefix of all mails for an incarnation, except those for one step; of the early mails, if it is empty. */
export function mailPrefix(incarnation: string): string {
  return `mail#${incarnation}#`;
}

/** The prefix of the mails of one event. */
export function eventPrefix(incarnation: string, event: string): string {
  return `${mailPrefix(incarnation)}${event.length}:${event}#`;
}

export function mailKey(incarnation: string, event: string, position: number): string {
  return `${eventPrefix(incarnation, event)}${String(position).padStart(12, '0')}`;
}

/** The prefix of the mails that came with the callback token of a step. */
export function stepPrefix(incarnation: string, step: number): string {
  return `mail#${incarnation}@${step}#`;
}

export function callbackKey(incarnation: string, step: number, event: string): string {
  return `${stepPrefix(incarnation, step)}${event.length}:${event}`;
}

export function secretKey(incarnation: string, step: number): string {
  return `mailsecret#${incarnation}#${step}`;
}

/** @param name an executionId, or the result of {@link idsOf} */
export function keyOf(table: Table, name: string, entry: string): Item {
  return { ...table.partition(name), entry: text(entry) };
}

/** The name of the partition of the accepted ids. */
export function idsOf(executionId: string): string {
  return `${executionId} ids`;
}

export function idEntry(id: string): string {
  return `id#${id}`;
}

/** The condition of a query for the entries of an execution whose sort keys have a prefix, and its values. */
export const STARTS_WITH = { KeyConditionExpression: 'executionId = :executionId AND begins_with(entry, :prefix)' };

export function startsWith(table: Table, executionId: string, prefix: string): Item {
  return { ...table.partition(executionId), prefix: text(prefix) };
}
