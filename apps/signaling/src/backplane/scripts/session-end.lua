-- End a session whoever owns it; a tombstone stays, so that its owner cannot write it again.
-- ARGV[1] tombstone ttl ms  [2] request
local told = answered(ARGV[2])
if told then return told[1] end
if not state then return false end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], 'over', 'PX', ARGV[1])
return remember(ARGV[2], { record })[1]
