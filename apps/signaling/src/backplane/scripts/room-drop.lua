-- Remove a member unless its record was written later, and keep its login session and its user out if asked.
-- ARGV[2] peerId  [3] epoch, or 'force'  [4] order  [5] ban for ms (0: none)  [6] login session  [7] user, or ''  [8] reason, as events say it
local ban = tonumber(ARGV[5])
if ban > 0 then
  local till = string.format('%.0f', now + ban)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
  redis.call('ZADD', KEYS[2], till, ARGV[6])
  redis.call('ZREM', KEYS[2], '!in ' .. ARGV[6], '!moved ' .. ARGV[6])
  if ARGV[7] ~= '' then redis.call('ZADD', KEYS[2], till, '!user ' .. ARGV[7]) end
  redis.call('PEXPIRE', KEYS[2], math.max(ban, redis.call('PTTL', KEYS[2])))
end
local present = read(ARGV[2])
if present and (ARGV[3] == 'force' or not later(present, tonumber(ARGV[3]), tonumber(ARGV[4]))) then drop(ARGV[2], ARGV[8]) end
return finish()
