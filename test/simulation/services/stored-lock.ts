import type { Hash } from './cache';
import type { Item } from './expressions';
import type { ExecutionStatus, Lock } from '../../../lambda/engine';

/** A field of a stored lock, as text. */
type Field = (name: keyof Lock) => string | undefined;

/** The lock that an item of the table is, if it is one and not a list of executions that are counted. */
export function lockOfItem(item: Item): Lock | undefined {
  return isList(item.executionId?.S) ? undefined : lockOf(itemField(item));
}

/** The lock that a hash of the cache is, if it is one. */
export function lockOfHash(key: string, hash: Hash): Lock | undefined {
  return isList(key) ? undefined : lockOf(hashField(key, hash));
}

/** No execution has a name with a space in it. */
function isList(key: string = ''): boolean {
  return key.includes(' ');
}

function itemField(item: Item): Field {
  return (name) => {
    const { S, N, BOOL } = item[name] ?? {};
    return S ?? N ?? (BOOL === undefined ? undefined : String(Number(BOOL)));
  };
}

function hashField(key: string, hash: Hash): Field {
  return (name) => (name === 'executionId' ? key.replace('lock:', '') : hash.get(name));
}

/** A lock as it is stored, read without the adapters' help. */
function lockOf(field: Field): Lock {
  const text = (name: keyof Lock) => field(name) ?? '';
  return {
    executionId: text('executionId'),
    machine: text('machine'),
    step: Number(text('step')),
    fence: Number(text('fence')),
    parent: Number(text('parent')),
    holder: text('holder'),
    expires: Number(text('expires')),
    released: Number(text('released')),
    done: text('done') === '1',
    // The adapters write an ExecutionStatus, and what is none would be found by the verdict.
    status: text('status') as ExecutionStatus,
    state: text('state'),
    startedAt: Number(text('startedAt')),
    updatedAt: Number(text('updatedAt')),
  };
}
