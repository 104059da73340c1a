-- End a session whoever owns it; a tombstone stays, so that its owner cannot write it again.
-- ARGV[1] tombstone ttl ms
if not state then return false end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], 'over', 'PX', ARGV[1])
return record
