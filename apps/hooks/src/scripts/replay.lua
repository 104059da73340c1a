-- Owes events of one room to an endpoint once more, behind what it is owed; answers with how many. What it is owed already comes anyway, and would
-- fill the queue, so that new events of the room would be left out.
-- KEYS[1] due  KEYS[2] queue
-- ARGV[1] room  [2…] entries of the log
local KEPT, QUEUE_LENGTH = 96 * 3600000, 1000
local time = redis.call('TIME')
local owed = {}
-- An error, which has no entries, during a deployment: the rights of before it.
for _, entry in ipairs(redis.pcall('LRANGE', KEYS[2], 0, -1)) do owed[entry] = true end
local length, count = redis.call('LLEN', KEYS[2]), 0
for i = 2, #ARGV do
  if length + count >= QUEUE_LENGTH then break end
  if not owed[ARGV[i]] then
    redis.call('RPUSH', KEYS[2], ARGV[i])
    count = count + 1
  end
end
if count > 0 then
  redis.call('PEXPIRE', KEYS[2], KEPT)
  -- At once, see commit.lua.
  redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) - 1000), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], KEPT)
end
return count
