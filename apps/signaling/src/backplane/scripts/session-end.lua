-- End a session; 'force' ends it whoever owns it and leaves a tombstone, so that its owner cannot write it again.
-- ARGV[1] epoch, or 'force'  [2] tombstone ttl ms
if not state or (ARGV[1] ~= 'force' and tonumber(epoch) > tonumber(ARGV[1])) then return false end
redis.call('DEL', KEYS[1], KEYS[2])
if ARGV[1] == 'force' then redis.call('SET', KEYS[1], 'over', 'PX', ARGV[2]) end
return record
