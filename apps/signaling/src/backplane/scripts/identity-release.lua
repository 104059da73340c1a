-- KEYS[1] holder of the login session  KEYS[2] sessions of the user
-- ARGV[1] peerId that gives up what it has of both
redis.call('SREM', KEYS[2], ARGV[1])
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
