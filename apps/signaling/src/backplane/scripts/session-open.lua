-- KEYS[1] session, as in session.lua  KEYS[2] mailbox
-- ARGV[1] record ttl ms  [2] record
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1])
redis.call('DEL', KEYS[2])
return 1
