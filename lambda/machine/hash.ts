// eslint-disable-next-line import/no-nodejs-modules -- a hash is not I/O
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json';
import type { Machine } from './definition';

/**
 * Identifies a definition by its content: equal machines have equal hashes, and different machines have different hashes except with a
 * probability of about 1 in 10^19. Neither the order of states and events nor explicit defaults change the hash.
 *
 * @returns 16 hexadecimal digits
 */
export function definitionHash(machine: Machine): string {
  return createHash('sha256').update(canonicalJson(machine)).digest('hex').slice(0, 16);
}
