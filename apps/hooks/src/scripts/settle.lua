-- What became of the first event of a room for an endpoint, and which one is first then: one trip for both. Answers {'fenced'}, {'moved'} (another
-- event was first), {'later'} (a retry waits), {'empty'}, or {'next', entry of the log, id, body}, the last two missing where the log keeps it no more.
-- KEYS[1] lease  KEYS[2] due  KEYS[3] queue  KEYS[4] tries  KEYS[5] dead letters  KEYS[6] log
-- ARGV[1] lease, as it must be  [2] room  [3] entry of the log  [4] 'look' (nothing yet), 'done', 'dead' or 'retry'  [5] why, in a word
-- ARGV[6] retry: ms from now
local KEPT, DEAD_LENGTH = 96 * 3600000, 10000
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return { 'fenced' } end
local first = redis.call('LINDEX', KEYS[3], 0)
if first and ARGV[4] ~= 'look' then
  if first ~= ARGV[3] then return { 'moved' } end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if ARGV[4] == 'retry' then
    local tries = string.match(redis.call('HGET', KEYS[4], ARGV[2]) or '0', '^%d+')
    redis.call('HSET', KEYS[4], ARGV[2], tries + 1 .. ' ' .. ARGV[5])
    redis.call('PEXPIRE', KEYS[4], KEPT)
    redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[6]), ARGV[2])
    redis.call('PEXPIRE', KEYS[2], KEPT)
    redis.call('PEXPIRE', KEYS[3], KEPT)
    return { 'later' }
  end
  if ARGV[4] == 'dead' then
    redis.call('XADD', KEYS[5], 'MAXLEN', '~', DEAD_LENGTH, '*', 'e', ARGV[3], 'w', ARGV[5])
    redis.call('PEXPIRE', KEYS[5], 30 * 24 * 3600000)
  end
  redis.call('LPOP', KEYS[3])
  redis.call('HDEL', KEYS[4], ARGV[2])
  first = redis.call('LINDEX', KEYS[3], 0)
  if first then redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[2]) end
end
if not first then
  redis.call('ZREM', KEYS[2], ARGV[2])
  return { 'empty' }
end
local found = redis.call('XRANGE', KEYS[6], first, first)[1]
if not found then return { 'next', first } end
local event = {}
for i = 1, #found[2], 2 do event[found[2][i]] = found[2][i + 1] end
return { 'next', first, event.i, event.b }
