import type { Hash } from './cache';
import type { Item } from './expressions';
import type { ExecutionStatus, Lock } from '../../../lambda/engine';

/** A field of a stored lock, as text. */
type Field = (name: keyof Lock) => string | undefined;

/** Reads the lock in an item of the lock table, if the item is a lock of the simulated workflow. */
export function lockOfItem(item: Item): Lock | undefined {
  return isOther(item.executionId?.S) ? undefined : lockOf(itemField(item));
}

/** Reads the lock in a hash of the cache, if the hash is a lock of the simulated workflow. */
export function lockOfHash(key: string, hash: Hash): Lock | undefined {
  return isOther(key) ? undefined : lockOf(hashField(key, hash));
}

/** Whether an item is a list of running executions, or belongs to the other workflow. An executionId contains no space. */
function isOther(key: string = ''): boolean {
  return key.includes(' ') || key.replace('lock:', '').startsWith('orders/');
}

/** The ids of the simulated executions contain no slash. */
function idOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function itemField(item: Item): Field {
  return (name) => {
    const { S, N, BOOL } = item[name] ?? {};
    if (name === 'executionId') return S && idOf(S);
    return S ?? N ?? (BOOL === undefined ? undefined : String(Number(BOOL)));
  };
}

function hashField(key: string, hash: Hash): Field {
  return (name) => (name === 'executionId' ? idOf(key.replace('lock:', '')) : hash.get(name));
}

/** Reads a stored lock independently of the adapters. */
function lockOf(field: Field): Lock {
  const text = (name: keyof Lock) => field(name) ?? '';
  return {
    executionId: text('executionId'),
    incarnation: text('incarnation'),
    machine: text('machine'),
    step: Number(text('step')),
    fence: Number(text('fence')),
    parent: Number(text('parent')),
    holder: text('holder'),
    expires: Number(text('expires')),
    released: Number(text('released')),
    reopened: Number(text('reopened')),
    accompanied: Number(text('accompanied')),
    done: text('done') === '1',
    // The adapters write an ExecutionStatus, and the checks would find any other text.
    status: text('status') as ExecutionStatus,
    state: text('state'),
    contextHash: text('contextHash'),
    startedAt: Number(text('startedAt')),
    updatedAt: Number(text('updatedAt')),
  };
}
