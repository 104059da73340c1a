-- Give a login session its place among those of its user; answers with those that have none any more.
-- KEYS[1] places: zset session id -> end (s)
-- ARGV[1] session id  [2] its end, s  [3] now, s  [4] most places
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4])
local out = {}
if over > 0 then
  -- One more than must go, as the new one stays.
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, over)) do
    if id ~= ARGV[1] and #out < over then out[#out + 1] = id end
  end
  redis.call('ZREM', KEYS[1], unpack(out))
end
-- A guest's short session must not take the longer ones of the same id with it.
redis.call('EXPIREAT', KEYS[1], redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
return out
