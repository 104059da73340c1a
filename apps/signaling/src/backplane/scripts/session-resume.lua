-- Take a session over: next epoch, this node, the mailbox emptied into the answer.
-- KEYS[1] session hash  KEYS[2] mailbox
-- ARGV[1] record ttl ms  [2] node  [3] secret hash  [4] user
local s = redis.call('HMGET', KEYS[1], 'state', 'secret', 'user', 'node', 'login', 'room', 'info')
if not s[1] or s[1] == 'over' or s[2] ~= ARGV[3] or s[3] ~= ARGV[4] then return false end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'state', 'attached', 'node', ARGV[2], 'bytes', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
local out = { s[4], tostring(epoch), s[5], s[6], s[7] }
for _, frame in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do out[#out + 1] = frame end
redis.call('DEL', KEYS[2])
return out
