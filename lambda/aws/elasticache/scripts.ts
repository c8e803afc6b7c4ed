import { createHash } from 'node:crypto';

/** A program that the cache runs as one atomic operation on one key. */
export interface Script {
  readonly text: string;
  /** By which the cache knows a script that it has run before. */
  readonly sha1: string;
}

// Each lock is a hash whose fields are those of Lock, numbers in decimal and `done` as 0 or 1. Numbers are compared as texts, but for
// times: the texts come from one formatter, and Lua's own numbers would have to be formatted again.
//
// Every script answers with whether it has changed the lock, and with all fields of the lock as it is then.

/**
 * ARGV: step, previous step, parent, now, then the names and values of the fields to set. The conditions are those of `LockStore.acquire`.
 */
export const ACQUIRE = script(`
local step, fence, parent, done, expires = unpack(redis.call('HMGET', KEYS[1], 'step', 'fence', 'parent', 'done', 'expires'))
local starts = not step and ARGV[1] == '0'
local commits = step == ARGV[2] and fence == ARGV[3]
local retries = step == ARGV[1] and parent == ARGV[3] and done == '0' and tonumber(expires) < tonumber(ARGV[4])
if not (starts or commits or retries) then
  return {0, redis.call('HGETALL', KEYS[1])}
end
redis.call('HDEL', KEYS[1], 'place')
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('HSETNX', KEYS[1], 'startedAt', ARGV[4])
redis.call('HSETNX', KEYS[1], 'released', 0)
redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('PERSIST', KEYS[1])
return {1, redis.call('HGETALL', KEYS[1])}
`);

/** ARGV: fence. */
export const RELEASE = script(`
local fence, done = unpack(redis.call('HMGET', KEYS[1], 'fence', 'done'))
if fence ~= ARGV[1] or done ~= '0' then
  return {0, redis.call('HGETALL', KEYS[1])}
end
redis.call('HSET', KEYS[1], 'expires', 0, 'released', fence)
return {1, redis.call('HGETALL', KEYS[1])}
`);

/** ARGV: fence, status, now, and the second since the epoch at which the lock may be forgotten, empty if never. */
export const COMMIT = script(`
local fence, released = unpack(redis.call('HMGET', KEYS[1], 'fence', 'released'))
if fence ~= ARGV[1] or released == fence then
  return {0, redis.call('HGETALL', KEYS[1])}
end
redis.call('HSET', KEYS[1], 'done', 1, 'status', ARGV[2], 'expires', 0, 'updatedAt', ARGV[3])
if ARGV[4] == '' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('EXPIREAT', KEYS[1], ARGV[4])
end
return {1, redis.call('HGETALL', KEYS[1])}
`);

/** ARGV: fence, now. */
export const REOPEN = script(`
local fence, status = unpack(redis.call('HMGET', KEYS[1], 'fence', 'status'))
if fence ~= ARGV[1] or status ~= 'failed' then
  return {0, redis.call('HGETALL', KEYS[1])}
end
redis.call('HSET', KEYS[1], 'done', 0, 'status', 'running', 'released', fence, 'updatedAt', ARGV[2])
return {1, redis.call('HGETALL', KEYS[1])}
`);

/** ARGV: now, and the second since the epoch at which the lock may be forgotten. */
export const CANCEL = script(`
local status = redis.call('HGET', KEYS[1], 'status')
if not status or status == 'completed' or status == 'cancelled' then
  return {0, redis.call('HGETALL', KEYS[1])}
end
redis.call('HSET', KEYS[1], 'done', 1, 'status', 'cancelled', 'expires', 0, 'updatedAt', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('EXPIREAT', KEYS[1], ARGV[2])
return {1, redis.call('HGETALL', KEYS[1])}
`);

/** ARGV: below, the second since the epoch at which the lock may be forgotten or empty if never, then names and values of its fields. */
export const INSTALL = script(`
local fence = redis.call('HGET', KEYS[1], 'fence')
if fence and tonumber(fence) >= tonumber(ARGV[1]) then
  return {0, redis.call('HGETALL', KEYS[1])}
end
redis.call('HDEL', KEYS[1], 'place')
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
if ARGV[2] == '' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('EXPIREAT', KEYS[1], ARGV[2])
end
return {1, redis.call('HGETALL', KEYS[1])}
`);

/**
 * Counts an execution among those that run, in a hash from executionId to fence and time, with a space between.
 *
 * ARGV: executionId, fence, expires, twice the capacity. Answers with nothing, or when there is no room with the names and values of the
 * hash.
 */
export const ENTER = script(`
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then
  local all = redis.call('HGETALL', KEYS[1])
  if #all >= tonumber(ARGV[4]) then
    return all
  end
end
if not known or tonumber(string.match(known, '^%d+')) <= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
end
return false
`);

/** ARGV: executionId, fence, expires or empty. */
export const LEAVE = script(`
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then
  return false
end
local fence, expires = string.match(known, '^(%d+) (%d+)$')
if tonumber(fence) < tonumber(ARGV[2]) and (ARGV[3] == '' or tonumber(expires) <= tonumber(ARGV[3])) then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return false
`);

export const READ = script('return {0, redis.call(\'HGETALL\', KEYS[1])}');

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}
