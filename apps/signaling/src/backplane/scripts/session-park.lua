-- Store frames for a detached session (or one of a dead node); bounded.
-- KEYS[1] session hash  KEYS[2] mailbox
-- ARGV[1] dead node or ''  [2] max frames  [3] max bytes  [4…] frames
local s = redis.call('HMGET', KEYS[1], 'state', 'node', 'bytes')
if not s[1] or s[1] == 'over' then return { 'gone' } end
if s[1] == 'attached' and s[2] ~= ARGV[1] then return { 'attached', s[2] } end
local bytes = tonumber(s[3] or '0')
for i = 4, #ARGV do bytes = bytes + #ARGV[i] end
if bytes > tonumber(ARGV[3]) or redis.call('LLEN', KEYS[2]) + #ARGV - 3 > tonumber(ARGV[2]) then return { 'full' } end
for i = 4, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
redis.call('HSET', KEYS[1], 'bytes', bytes)
redis.call('PEXPIRE', KEYS[2], math.max(1, redis.call('PTTL', KEYS[1])))
return { 'parked' }
