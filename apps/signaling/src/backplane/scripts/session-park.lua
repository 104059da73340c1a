-- Store frames for a detached session (or one of a dead node); bounded.
-- ARGV[1] dead node or ''  [2] max frames  [3] max bytes  [4] request  [5…] frames
if redis.call('HEXISTS', KEYS[3], 'p ' .. ARGV[4]) == 1 then return { 'parked' } end
if not state then return { 'gone' } end
if state == 'attached' and node ~= ARGV[1] then return { 'attached', node } end
local length = redis.call('LLEN', KEYS[2])
local bytes = length > 0 and tonumber(redis.call('LINDEX', KEYS[2], 0)) or 0
for i = 5, #ARGV do bytes = bytes + #ARGV[i] end
if bytes > tonumber(ARGV[3]) or math.max(0, length - 1) + #ARGV - 4 > tonumber(ARGV[2]) then return { 'full' } end
if length == 0 then redis.call('RPUSH', KEYS[2], bytes) else redis.call('LSET', KEYS[2], 0, bytes) end
for i = 5, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
redis.call('PEXPIRE', KEYS[2], math.max(1, redis.call('PTTL', KEYS[1])))
redis.call('HSET', KEYS[3], 'p ' .. ARGV[4], '')
redis.call('PEXPIRE', KEYS[3], ANSWER_TTL)
return { 'parked' }
