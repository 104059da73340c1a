-- KEYS[1] session hash  KEYS[2] mailbox
-- ARGV[1] record ttl ms  [2] node  [3] epoch  [4] secret hash  [5] user  [6] login session  [7] room  [8] info
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'state', 'attached', 'node', ARGV[2], 'epoch', ARGV[3], 'secret', ARGV[4], 'user', ARGV[5],
  'login', ARGV[6], 'room', ARGV[7], 'info', ARGV[8], 'bytes', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
