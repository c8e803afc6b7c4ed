// eslint-disable-next-line import/no-nodejs-modules -- a hash is not I/O
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../machine/action';
import { canonicalJson } from '../../machine/canonical-json';

/**
 * Identifies a context: equal contexts have equal hashes, whatever the order of their properties.
 *
 * @returns 22 characters
 */
export function contextHash(context: JsonObject): string {
  return createHash('sha256').update(canonicalJson(context)).digest('base64url').slice(0, 22);
}
