-- Enter a room, or be restored in it.
-- ARGV[2] peerId  [3] epoch  [4] awayFor ms  [5] node  [6] info  [7] limit (0: no limit, no bans)  [8] login session
reap()
local present = read(ARGV[2])
local limit = tonumber(ARGV[7])
if limit > 0 then
  local till = redis.call('ZSCORE', KEYS[2], ARGV[8])
  if till and tonumber(till) > now then return 'banned' end
  if not present and members >= limit then return 'full' end
end
if not present or present.epoch <= tonumber(ARGV[3]) then put(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]) end
return finish()
