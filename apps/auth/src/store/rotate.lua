-- Exchange a refresh token for its successor, once.
-- `ahead` holds `current` and the hash of the token after it. No client has that token before a rotation to it was written, so one that
-- presents it got it from a rotation that a failover lost: it is the newest token, not a used one. `current` stands there too because
-- tasks of an earlier version rotate without writing `ahead`: alone, what they leave there would be the hash of a used token.
-- KEYS[1] session hash
-- ARGV[1] hash of the family secret   ARGV[2] hash of the presented token   ARGV[3] hash of its successor
-- ARGV[4] hash of the idempotency key, or ''   ARGV[5] now, s   ARGV[6] idle life, s
-- ARGV[7] hash of the successor's successor
local s = redis.call('HMGET', KEYS[1], 'family', 'current', 'previous', 'retry', 'used', 'until', 'ahead')
-- A wrong family secret is a guess, not a reuse: it must not end anybody's session.
if not s[1] or s[1] ~= ARGV[1] then return 'unknown' end
local now = tonumber(ARGV[5])
local lost = s[7] == s[2] .. ' ' .. ARGV[2]
if s[2] == ARGV[2] or lost then
  local left = tonumber(s[6]) - now
  if left <= 0 then return 'unknown' end
  redis.call('HSET', KEYS[1], 'current', ARGV[3], 'previous', ARGV[2], 'retry', ARGV[4], 'used', now,
    'ahead', ARGV[3] .. ' ' .. ARGV[7])
  redis.call('EXPIRE', KEYS[1], math.min(left, tonumber(ARGV[6])))
  return lost and 'restored' or 'rotated'
end
if s[3] == ARGV[2] and ARGV[4] ~= '' and s[4] == ARGV[4] and now - tonumber(s[5]) <= 60 then return 'retry' end
redis.call('DEL', KEYS[1])
return 'reused'
