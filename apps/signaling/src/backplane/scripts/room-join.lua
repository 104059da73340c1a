-- Enter a room, or be restored in it.
-- ARGV[2] peerId  [3] epoch  [4] awayFor ms  [5] node  [6] info  [7] limit (0: no limit, no bans)  [8] login session
-- ARGV[9] '', or 'present': the info of a present record stays, with the order of ARGV[6]
reap()
local present = read(ARGV[2])
local limit = tonumber(ARGV[7])
if limit > 0 then
  local till = redis.call('ZSCORE', KEYS[2], ARGV[8])
  if till and tonumber(till) > now then return 'banned' end
  if not present and members >= limit then
    -- A media node's agent takes no place.
    local people = members
    for peer in pairs(at) do if string.sub(peer, 1, 6) == 'media~' then people = people - 1 end end
    if people >= limit then return 'full' end
  end
end
if not present or not later(present, tonumber(ARGV[3]), order(ARGV[6])) then
  local info = ARGV[6]
  if present and ARGV[9] == 'present' then info = reorder(present.info, order(info)) end
  put(ARGV[2], ARGV[3], ARGV[4], ARGV[5], info)
end
return finish()
