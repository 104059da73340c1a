-- End a session; 'force' ends it whoever owns it and leaves a tombstone, so that its owner cannot write it again.
-- KEYS[1] session hash  KEYS[2] mailbox
-- ARGV[1] epoch, or 'force'  [2] tombstone ttl ms
local s = redis.call('HMGET', KEYS[1], 'state', 'epoch', 'room', 'node')
if not s[1] or s[1] == 'over' then return false end
if ARGV[1] ~= 'force' and tonumber(s[2]) > tonumber(ARGV[1]) then return false end
redis.call('DEL', KEYS[1], KEYS[2])
if ARGV[1] == 'force' then
  redis.call('HSET', KEYS[1], 'state', 'over')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return { s[3], s[4] }
