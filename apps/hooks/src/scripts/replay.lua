-- Owes events of one room to an endpoint once more, behind what it is owed; answers with how many.
-- KEYS[1] due  KEYS[2] queue
-- ARGV[1] room  [2…] entries of the log
local KEPT, QUEUE_LENGTH = 96 * 3600000, 1000
local time = redis.call('TIME')
local count = 0
for i = 2, #ARGV do
  if redis.call('LLEN', KEYS[2]) >= QUEUE_LENGTH then break end
  redis.call('RPUSH', KEYS[2], ARGV[i])
  count = count + 1
end
if count > 0 then
  redis.call('PEXPIRE', KEYS[2], KEPT)
  -- At once, see commit.lua.
  redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) - 1000), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], KEPT)
end
return count
