// eslint-disable-next-line import/no-nodejs-modules -- a hash is no I/O
import { createHash } from 'node:crypto';
import type { Machine } from './definition';

/**
 * A short name for what a machine does: two machines have the same hash if, and (but for an accident of one in 10^19) only if, they are
 * equal. The order in which states and events are written makes no difference, nor does whether a default is written out.
 *
 * @returns 16 hexadecimal digits
 */
export function definitionHash(machine: Machine): string {
  return createHash('sha256').update(canonicalJson(machine)).digest('hex').slice(0, 16);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => isRecord(part)
    ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
    : part);
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
