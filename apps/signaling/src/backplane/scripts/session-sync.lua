-- After a doubt: still mine? Written again if it was lost; whatever was parked is handed over to an attached session.
-- KEYS[1] session hash  KEYS[2] mailbox
-- ARGV[1] record ttl ms  [2] node  [3] epoch  [4] secret hash  [5] user  [6] login session  [7] room  [8] info
-- ARGV[9] 'attached' or 'detached'  [10] grace ms
local s = redis.call('HMGET', KEYS[1], 'state', 'epoch')
if s[1] == 'over' or (s[2] and tonumber(s[2]) > tonumber(ARGV[3])) then return { 'fenced' } end
local left = redis.call('PTTL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', ARGV[9], 'node', ARGV[2], 'epoch', ARGV[3], 'secret', ARGV[4], 'user', ARGV[5],
  'login', ARGV[6], 'room', ARGV[7], 'info', ARGV[8])
if ARGV[9] == 'detached' then
  local ttl = tonumber(ARGV[10])
  if s[1] == 'detached' and left > 0 and left < ttl then ttl = left end
  redis.call('PEXPIRE', KEYS[1], ttl)
  return { 'ours' }
end
redis.call('HSET', KEYS[1], 'bytes', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
local out = { 'ours' }
for _, frame in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do out[#out + 1] = frame end
redis.call('DEL', KEYS[2])
return out
