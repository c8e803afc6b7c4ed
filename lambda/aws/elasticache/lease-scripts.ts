import { CHANGED, script, UNCHANGED } from './scripts';

/**
 * ARGV: incarnation, step, previous step, parent, now, 1 if alone or 0, mail, redriven, machine, then the names and values of the fields to set. The conditions
 * are those of `LockStore.acquire`.
 */
export const ACQUIRE = script(`
local incarnation, step, fence, parent, done, expires, released, mail, reopened, machine =
  unpack(redis.call('HMGET', KEYS[1], 'incarnation', 'step', 'fence', 'parent', 'done', 'expires', 'released', 'mail', 'reopened', 'machine'))
local same = incarnation == ARGV[1] and machine == ARGV[9]
local alone = ARGV[6] == '1'
local commits = same and step == ARGV[3] and fence == ARGV[4]
local retries = same and step == ARGV[2] and parent == ARGV[4] and mail == ARGV[7] and reopened == ARGV[8] and done == '0'
  and tonumber(expires) < tonumber(ARGV[5]) and (alone or released == fence)
if not (commits or retries) then
  ${UNCHANGED}
end
redis.call('HDEL', KEYS[1], 'place')
redis.call('HSET', KEYS[1], unpack(ARGV, 10))
local nextFence = redis.call('HINCRBY', KEYS[1], 'fence', 1)
if not alone then
  redis.call('HSET', KEYS[1], 'accompanied', nextFence)
end
redis.call('PERSIST', KEYS[1])
${CHANGED}
`);

/** ARGV: incarnation, fence. */
export const RELEASE = script(`
local incarnation, fence, done = unpack(redis.call('HMGET', KEYS[1], 'incarnation', 'fence', 'done'))
if incarnation ~= ARGV[1] or fence ~= ARGV[2] or done ~= '0' then
  ${UNCHANGED}
end
redis.call('HSET', KEYS[1], 'expires', 0, 'released', fence)
${CHANGED}
`);

/**
 * ARGV: incarnation, fence, status, now, expires, and the seconds after which the lock expires, empty if never, then names and
 * values of further fields to set.
 */
export const COMMIT = script(`
local incarnation, fence, released = unpack(redis.call('HMGET', KEYS[1], 'incarnation', 'fence', 'released'))
if incarnation ~= ARGV[1] or fence ~= ARGV[2] or released == fence then
  ${UNCHANGED}
end
redis.call('HSET', KEYS[1], 'done', 1, 'status', ARGV[3], 'expires', ARGV[5], 'updatedAt', ARGV[4], unpack(ARGV, 7))
if ARGV[6] == '' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end
${CHANGED}
`);
