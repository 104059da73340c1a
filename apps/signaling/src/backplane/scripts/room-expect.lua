-- A lock does not bind a login session for a while: it is moved here.
-- ARGV[2] login session  [3] for how many ms
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), '!moved ' .. ARGV[2])
redis.call('PEXPIRE', KEYS[2], string.format('%.0f', math.max(tonumber(ARGV[3]), redis.call('PTTL', KEYS[2]))))
return 'expected'
