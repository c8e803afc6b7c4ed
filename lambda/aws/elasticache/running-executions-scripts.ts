import { script } from './scripts';

/** Returns the names and values of the concurrent executions of a group: a hash from executionId to fence and time, separated by a space. */
export const READ = script(`
return redis.call('HGETALL', KEYS[1])
`);

/** Adds an execution to a group. ARGV: executionId, fence, expires, capacity. Returns whether the execution is counted: 1 or 0. */
export const ENTER = script(`
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known and #redis.call('HGETALL', KEYS[1]) >= 2 * tonumber(ARGV[4]) then
  return 0
end
if not known or tonumber(string.match(known, '^%d+')) <= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
end
return 1
`);

/** Removes an execution from a group. ARGV: executionId, fence, expires or empty. Returns whether it was counted: 1 or 0. */
export const LEAVE = script(`
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known then
  return 0
end
local fence, expires = string.match(known, '^(%d+) (%d+)$')
if tonumber(fence) < tonumber(ARGV[2]) and (ARGV[3] == '' or tonumber(expires) <= tonumber(ARGV[3])) then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
`);
