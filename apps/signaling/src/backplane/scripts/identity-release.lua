-- KEYS[1] identity  ARGV[1] peerId that must hold it
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
