import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { json, number, readItem, text, texts, writeItem, type Attributes, type Item } from './item';
import { executionIdOf } from '../../contract/tables';
import type { AcquireRequest, Lock } from '../../engine/ports';
import { pendingLock, type PendingStart } from '../../engine/ports/lock-store';

/** The attributes that an acquisition sets, except for `fence` and `accompanied`, which depend on the stored item. */
export function acquiredBy(request: AcquireRequest): Item {
  return {
    incarnation: text(request.incarnation),
    step: number(request.step),
    parent: number(request.parent),
    reopened: number(request.redriven),
    holder: text(request.holder),
    expires: number(request.expires),
    state: text(request.state),
    mail: text(request.mail ?? ''),
    handles: textsOrNull(request.handles),
    place: request.place ? json(request.place) : { NULL: true },
    done: { BOOL: false },
    status: text('running'),
    updatedAt: number(request.now),
  };
}

/** The attributes of a lock. */
const LOCK: Attributes<Lock> = {
  executionId: 'string',
  incarnation: 'string',
  machine: 'string',
  step: 'number',
  fence: 'number',
  parent: 'number',
  holder: 'string',
  expires: 'number',
  released: 'number',
  reopened: 'number',
  accompanied: 'number',
  done: 'boolean',
  status: 'string',
  state: 'string',
  contextHash: 'string',
  mail: 'string?',
  accepts: 'list of strings?',
  handles: 'list of strings?',
  place: 'JSON?',
  startedAt: 'number',
  updatedAt: 'number',
};

/** The attributes of a start that is recorded, without the key. */
export function pendingItem(start: PendingStart): Item {
  const { executionId: _, ...item } = writeItem(pendingLock(start), LOCK);
  // A RETRY requires the mail of the first attempt, here none.
  return { ...item, mail: text('') };
}

/** A list of texts, or an attribute without a value: PartiQL sets each attribute by a value. */
export function textsOrNull(values: readonly string[] | undefined): AttributeValue {
  return values ? texts(values) : { NULL: true };
}

export function toLock(item: Item): Lock {
  const lock = readItem(item, LOCK);
  return { ...lock, executionId: executionIdOf(lock.executionId), mail: lock.mail || undefined };
}
