-- I live; who else does? By Redis' own clock.
-- KEYS[1] dispatchers: zset dispatcher -> when it said so last (ms)
-- ARGV[1] dispatcher  [2] ms of silence that mean death
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[2]))
local live = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(live)
return live
