-- Change what a login session of a present member may do in this room, beside its token, and what is said of it. Answers 'changed', 'absent' when that
-- member is not there, or 'stale' when it was not as it should have been.
-- ARGV[2] peerId  [3] login session as a word  [4] how the member's info says that login session  [5] change of letters, see room-grants.ts
-- ARGV[6] for how many ms it holds  [7] '.' or what stands behind the letters  [8] '.' or what it should be before
local present = read(ARGV[2])
if not present or not string.find(present.info, ARGV[4], 1, true) then return 'absent' end
local _, found = grantsOf(ARGV[3])
local before = found or ''
local function changed(from)
  local to = ''
  for i = 1, #ARGV[5] do
    local letter = string.sub(ARGV[5], i, i)
    local was = string.sub(from, i, i)
    to = to .. (letter ~= '.' and letter or was ~= '' and was or '-')
  end
  return to .. (ARGV[7] == '.' and string.sub(from, #ARGV[5] + 1) or ARGV[7])
end
if ARGV[8] ~= '.' and ARGV[8] ~= before then
  -- As it should become: sent again, as the answer was lost.
  return changed(ARGV[8]) == before and 'changed' or 'stale'
end
local next = changed(before)
-- What is over goes, as the hash itself may stay for long.
local all = redis.call('HGETALL', KEYS[4])
for i = 1, #all, 2 do
  local till = string.sub(all[i], 1, 2) == 'g ' and string.match(all[i + 1], '^(%d+) ')
  if till and tonumber(till) <= now then redis.call('HDEL', KEYS[4], all[i]) end
end
redis.call('HSET', KEYS[4], 'g ' .. ARGV[3], string.format('%.0f %s', now + ARGV[6], next), 'granted', '1')
redis.call('PEXPIRE', KEYS[4], string.format('%.0f', math.max(tonumber(ARGV[6]), redis.call('PTTL', KEYS[4]))))
touch()
return 'changed'
