-- Changes an endpoint that is as it was read. Answers 1, or 0: it was changed or removed meanwhile.
-- KEYS[1] endpoints: hash id -> JSON
-- ARGV[1] id, ARGV[2] JSON as it was read, ARGV[3] JSON from now on
local stored = redis.call('HGET', KEYS[1], ARGV[1])
-- Sent again, as its answer was lost.
if stored == ARGV[3] then return 1 end
if stored ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
