import { createHash } from 'node:crypto';

/** A script that the cache runs as one atomic operation on one key. */
export interface Script {
  readonly text: string;
  /** The hash by which the cache finds a script that it has run before. */
  readonly sha1: string;
}

// Each lock is a hash with the fields of Lock, numbers in decimal and `done` as 0 or 1. Numbers other than times are compared as text: all
// texts come from one formatter, and numbers of Lua would have to be formatted again.
//
// Every script returns whether it changed the lock, followed by all fields of the lock after the script.
export const UNCHANGED = "return {0, redis.call('HGETALL', KEYS[1])}";
export const CHANGED = "return {1, redis.call('HGETALL', KEYS[1])}";

/** ARGV: the names and values of the fields to set. */
export const RECORD_START = script(`
if redis.call('HGET', KEYS[1], 'status') then
  ${UNCHANGED}
end
redis.call('HSET', KEYS[1], unpack(ARGV))
${CHANGED}
`);

/** ARGV: incarnation, fence, now. */
export const REOPEN = script(`
local incarnation, fence, status = unpack(redis.call('HMGET', KEYS[1], 'incarnation', 'fence', 'status'))
if incarnation ~= ARGV[1] or fence ~= ARGV[2] or status ~= 'failed' then
  ${UNCHANGED}
end
redis.call('HSET', KEYS[1], 'done', 0, 'status', 'running', 'released', fence, 'reopened', fence, 'updatedAt', ARGV[3])
${CHANGED}
`);

/** ARGV: now, and the seconds after which the lock expires. */
export const CANCEL = script(`
local status = redis.call('HGET', KEYS[1], 'status')
if not status or status == 'completed' or status == 'cancelled' then
  ${UNCHANGED}
end
redis.call('HSET', KEYS[1], 'done', 1, 'status', 'cancelled', 'expires', 0, 'updatedAt', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
${CHANGED}
`);

export const READ = script(UNCHANGED);

export function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}
