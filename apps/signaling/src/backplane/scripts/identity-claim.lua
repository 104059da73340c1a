-- One identity, one session. Answers with {1 if set, holder before or ''}.
-- KEYS[1] identity
-- ARGV[1] peerId  [2] ttl ms  [3] '1': only if nobody holds it, or ARGV[4] does
local previous = redis.call('GET', KEYS[1])
if ARGV[3] == '1' and previous and previous ~= ARGV[4] then return { 0, previous } end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return { 1, previous or '' }
