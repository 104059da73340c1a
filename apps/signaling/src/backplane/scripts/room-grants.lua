-- Change what a login session of a present member may do in this room, beside its token. Answers with it as it is now, or nil when that member is not there.
-- ARGV[2] peerId  [3] login session as a word  [4] how the member's info says that login session  [5] change, see room-grants.ts  [6] for how many ms it holds
local present = read(ARGV[2])
if not present or not string.find(present.info, ARGV[4], 1, true) then return false end
local _, before = grantsOf(ARGV[3])
local next = ''
for i = 1, #ARGV[5] do
  local to = string.sub(ARGV[5], i, i)
  next = next .. (to == '.' and (before and string.sub(before, i, i) or '-') or to)
end
redis.call('HSET', KEYS[4], 'g ' .. ARGV[3], string.format('%.0f %s', now + ARGV[6], next), 'granted', '1')
redis.call('PEXPIRE', KEYS[4], string.format('%.0f', math.max(tonumber(ARGV[6]), redis.call('PTTL', KEYS[4]))))
touch()
return next
