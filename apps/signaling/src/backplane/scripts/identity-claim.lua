-- One login session, one session; one user, a limited number of them.
-- KEYS[1] holder of the login session  KEYS[2] sessions of the user: zset peerId -> claimed at (ms)
-- ARGV[1] peerId  [2] ttl ms  [3] limit (0: none)  [4] ms until a claim is settled
-- ARGV[5] 'shared': no holder; 'take': from whoever holds it; 'expect': only if nobody does, or ARGV[6]
local previous = ARGV[5] ~= 'shared' and redis.call('GET', KEYS[1])
if ARGV[5] == 'expect' and previous and previous ~= ARGV[6] then return { 'held', previous } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limit = tonumber(ARGV[3])
local sessions = limit > 0 and redis.call('ZCARD', KEYS[2]) or 0
if limit > 0 and sessions >= limit then
  -- Its own place and that of whom it replaces do not count.
  if redis.call('ZSCORE', KEYS[2], ARGV[1]) then sessions = sessions - 1 end
  if previous and previous ~= ARGV[1] and redis.call('ZSCORE', KEYS[2], previous) then sessions = sessions - 1 end
  if sessions >= limit then
    local out = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('(%.0f', now - ARGV[4]))
    table.insert(out, 1, 'full')
    return out
  end
end
if previous and previous ~= ARGV[1] then redis.call('ZREM', KEYS[2], previous) end
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
if ARGV[5] ~= 'shared' then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
if previous then return { 'ours', previous } end
return { 'ours' }
