-- The room as it is, unless the reader knows that version.
-- ARGV[2] known version
reap()
local version = redis.call('GET', KEYS[2]) or '0'
if version == ARGV[2] then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
  return false
end
return state()
