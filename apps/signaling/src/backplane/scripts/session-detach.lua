-- Its socket is gone: from now on messages are parked, until it resumes or the grace is over.
-- KEYS[1] session hash  KEYS[2] mailbox
-- ARGV[1] grace ms  [2] node  [3] epoch
local s = redis.call('HMGET', KEYS[1], 'state', 'node', 'epoch')
if s[1] ~= 'attached' or s[2] ~= ARGV[2] or tonumber(s[3]) > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'state', 'detached')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
