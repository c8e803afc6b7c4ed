import { daysAfter, json, readItem, text, writeItem, type Attributes, type Item } from './item';
import type { WorkflowTable } from './workflow-table';
import { executionIdOf, partitionOf, TTL_ATTRIBUTE } from '../../contract/tables';
import type { Checkpoint, JournaledAttempt } from '../../engine/ports';

/** The prefix of the sort keys of one execution's journal entries. */
export function stepPrefix(incarnation: string): string {
  return `step#${incarnation}#`;
}

/** Marks a journal entry whose item is also the message of the next envelope, for readers that do not read the envelope. */
export const SENT: Item = { sent: { BOOL: true } };

/** The attributes of an attempt, except its source and place, which {@link attemptFrom} reads. */
const ATTEMPT: Attributes<Omit<JournaledAttempt, 'source' | 'place'>> = {
  definition: 'string?',
  fence: 'number',
  parent: 'number',
  attempt: 'number',
  outcome: 'string',
  event: 'string',
  states: 'list of strings',
  omittedStates: 'number?',
  next: 'string?',
  startedAt: 'number',
  endedAt: 'number',
  trace: 'string?',
  error: 'JSON?',
};

/** The attributes of a journal entry, except those of its attempt and its context. */
const ENTRY: Attributes<Pick<Checkpoint, 'executionId' | 'incarnation' | 'machine' | 'step' | 'timeout'>> = {
  executionId: 'string',
  incarnation: 'string',
  machine: 'string',
  step: 'number',
  timeout: 'JSON?',
};

/** The attributes that {@link attemptFrom} reads. They exclude contexts and envelopes, which may be large. */
export const ATTEMPT_ATTRIBUTES: readonly string[] = [
  'entry',
  'step',
  'source',
  'sent',
  'place',
  ...Object.keys(ATTEMPT),
];

/** The sort key of a journal entry. Sort keys order the entries of an execution by step, then by fence. */
export function stepKey(incarnation: string, step: number, fence: number): string {
  return `${stepPrefix(incarnation)}${stepDigits(step)}#${String(fence).padStart(16, '0')}`;
}

/** A sort key after those of all steps before `before`, or of all steps. */
export function endOfSteps(incarnation: string, before: number | undefined): string {
  return stepPrefix(incarnation) + (before === undefined ? ':' : stepDigits(before));
}

function stepDigits(step: number): string {
  return String(step).padStart(10, '0');
}

/**
 * The item of a journal entry. Members that are absent from the checkpoint are absent from the item.
 *
 * The item expires after the retention of the table. The entry of a parked or failed step does not expire: it waits for an event or an
 * operator.
 */
export function toItem(checkpoint: Checkpoint, { workflow, retentionDays }: WorkflowTable): Item {
  const item: Item = {
    ...writeItem(checkpoint, ATTEMPT),
    ...writeItem(checkpoint, ENTRY),
    executionId: text(partitionOf(workflow, checkpoint.executionId)),
    entry: text(stepKey(checkpoint.incarnation, checkpoint.step, checkpoint.fence)),
    source: checkpoint.source === null ? { NULL: true } : text(checkpoint.source),
  };
  if (checkpoint.place) item.place = json(checkpoint.place);
  // Under another name than the envelope attribute, so that the stream does not deliver it before it is redriven.
  if (checkpoint.envelope) item.failedEnvelope = json(checkpoint.envelope);
  // A failed envelope contains the context. Storing the context twice might exceed the size of an item.
  if (checkpoint.context && checkpoint.context !== checkpoint.envelope?.context) {
    item.context = json(checkpoint.context);
  }
  const stays = checkpoint.outcome === 'parked' || checkpoint.outcome === 'failed';
  if (!stays) item[TTL_ATTRIBUTE] = daysAfter(checkpoint.endedAt, retentionDays);
  return item;
}

/** @param tableName the table of the item. If the item is also the message of the next envelope, its place is this table */
export function fromItem(item: Item, tableName: string): Checkpoint {
  const entry = readItem(item, ENTRY);
  const { failedEnvelope: envelope, context } = readItem<StoredContext>(item, {
    failedEnvelope: 'JSON?',
    context: 'JSON?',
  });
  return {
    ...attemptFrom(item, tableName),
    ...entry,
    executionId: executionIdOf(entry.executionId),
    context: context ?? envelope?.context,
    envelope,
  };
}

interface StoredContext extends Pick<Checkpoint, 'context'> {
  readonly failedEnvelope?: Checkpoint['envelope'];
}

/** Reads the part of a journal entry that describes the attempt. */
export function attemptFrom(item: Item, tableName: string): JournaledAttempt {
  const { entry, source, place } = readItem<StoredPlace>(item, { entry: 'string', source: 'string?', place: 'JSON?' });
  return {
    ...readItem(item, ATTEMPT),
    source: source ?? null,
    place: item.sent ? { service: 'dynamodb', resource: tableName, messageId: entry } : place,
  };
}

interface StoredPlace extends Pick<Checkpoint, 'place'> {
  readonly entry: string;
  readonly source?: string;
}
