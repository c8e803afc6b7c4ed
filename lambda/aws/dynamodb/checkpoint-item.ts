import { daysAfter, ItemReader, json, number, text, texts, TTL, type Item } from './item';
import type { Checkpoint, CheckpointOutcome, Place } from '../../engine/ports';

/**
 * The attribute that makes an item of the checkpoint table a message: the event source mapping delivers what has it and drops all else.
 * Its value is the encoded envelope.
 */
export const ENVELOPE = 'envelope';

/** What the sort keys of journal entries begin with. */
export const STEP_PREFIX = 'step#';

/** The sort key of a journal entry: the order of the texts is that of steps, then fences. */
export function stepKey(step: number, fence: number): string {
  return `${STEP_PREFIX}${String(step).padStart(10, '0')}#${String(fence).padStart(16, '0')}`;
}

/**
 * The item of a journal entry. What is absent in the checkpoint is absent in the item.
 *
 * @param retentionDays after which it is forgotten; one that is parked or failed waits for a person or an event, however long that takes
 */
export function toItem(checkpoint: Checkpoint, retentionDays: number): Item {
  const item: Item = {
    executionId: text(checkpoint.executionId),
    entry: text(stepKey(checkpoint.step, checkpoint.fence)),
    machine: text(checkpoint.machine),
    step: number(checkpoint.step),
    fence: number(checkpoint.fence),
    parent: number(checkpoint.parent),
    attempt: number(checkpoint.attempt),
    outcome: text(checkpoint.outcome),
    source: checkpoint.source === null ? { NULL: true } : text(checkpoint.source),
    event: text(checkpoint.event),
    states: texts(checkpoint.states),
    startedAt: number(checkpoint.startedAt),
    endedAt: number(checkpoint.endedAt),
  };
  if (checkpoint.definition !== undefined) item.definition = text(checkpoint.definition);
  if (checkpoint.next !== undefined) item.next = text(checkpoint.next);
  if (checkpoint.place) item.place = json(checkpoint.place);
  if (checkpoint.mailbox) item.mailbox = json(checkpoint.mailbox);
  if (checkpoint.trace !== undefined) item.trace = text(checkpoint.trace);
  if (checkpoint.accepts) item.accepts = texts(checkpoint.accepts);
  if (checkpoint.error) item.error = json(checkpoint.error);
  // Not under the name `envelope`: it must not be delivered before somebody sends it again.
  if (checkpoint.envelope) item.failedEnvelope = json(checkpoint.envelope);
  // The context of an envelope that has failed is in the envelope. Stored twice, it might not fit into an item.
  if (checkpoint.context && checkpoint.context !== checkpoint.envelope?.context) item.context = json(checkpoint.context);
  const stays = checkpoint.outcome === 'parked' || checkpoint.outcome === 'failed';
  if (!stays) item[TTL] = daysAfter(checkpoint.endedAt, retentionDays);
  return item;
}

/** @param tableName where the item lies, which is where the next envelope lies if the item is its message, too */
export function fromItem(item: Item, tableName: string): Checkpoint {
  const read = new ItemReader(item);
  const envelope = read.optionalJson<Checkpoint['envelope']>('failedEnvelope');
  const place: Place | undefined = item[ENVELOPE]
    ? { service: 'dynamodb', resource: tableName, messageId: read.text('entry') }
    : read.optionalJson<Place>('place');
  return {
    executionId: read.text('executionId'),
    machine: read.text('machine'),
    definition: read.optionalText('definition'),
    step: read.number('step'),
    fence: read.number('fence'),
    parent: read.number('parent'),
    attempt: read.number('attempt'),
    // Only `toItem` writes the attribute, and it writes a CheckpointOutcome.
    outcome: read.text('outcome') as CheckpointOutcome,
    source: read.optionalText('source') ?? null,
    event: read.text('event'),
    states: read.texts('states'),
    next: read.optionalText('next'),
    startedAt: read.number('startedAt'),
    endedAt: read.number('endedAt'),
    place,
    context: read.optionalJson<Checkpoint['context']>('context') ?? envelope?.context,
    mailbox: read.optionalJson<Checkpoint['mailbox']>('mailbox'),
    trace: read.optionalText('trace'),
    accepts: read.optionalTexts('accepts'),
    error: read.optionalJson<Checkpoint['error']>('error'),
    envelope,
  };
}
