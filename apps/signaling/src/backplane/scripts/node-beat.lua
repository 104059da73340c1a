-- I live; who else does? By Redis' own clock, so that the machines' clocks need not agree.
-- KEYS[1] nodes: zset node -> last beat (ms)
-- ARGV[1] node  [2] ms of silence that mean death
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('PEXPIRE', KEYS[1], 3600000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - 3600000))
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now - tonumber(ARGV[2])), '+inf')
