-- Enter a room, or be restored in it.
-- ARGV[2] peerId  [3] epoch  [4] awayFor ms  [5] node  [6] info  [7] limit (0: no limit, no bans)  [8] login session
-- ARGV[9] '', or 'present': the info of a present record stays, with the order of ARGV[6]
-- ARGV[10] user that bans name, or ''  [11] how the info of every member of that user begins, or ''
-- ARGV[12] member of that user whose place this one may take, or ''  [13] room size that this one brings, or ''
-- ARGV[14] 'created': only into a room that has settings, or ''  [15] 'moderator': a lock does not bind it, or ''
-- ARGV[16] what moderators read of who asks to come in  [17] for how many ms it counts  [18] most people who ask
-- ARGV[19] what its login session may do beside its token, as the node knows it, or ''  [20] the login session as a word
reap()

-- Whose token lets it receive alone. metadata, which a client writes, comes last (member-record.ts), and in JSON no string holds a bare quote.
local function audience(info)
  local mark = string.find(info, ',"audience":true', 1, true)
  return mark ~= nil and mark < (string.find(info, ',"metadata":', 1, true) or math.huge)
end
local watches = audience(ARGV[6])

-- Are the places taken, `most` of those of this one's kind or `all`? A media node's agent takes none.
local function full(most, all)
  if members < math.min(most, all) then return false end
  local same, people = 0, 0
  for peer in pairs(at) do
    if peer ~= '#' and string.sub(peer, 1, 6) ~= 'media~' then
      people = people + 1
      if audience(room[at[peer] + 1]) == watches then same = same + 1 end
    end
  end
  return same >= most or people >= all
end

-- A member of the same user and kind that is away, the first by name.
local function away()
  local found
  for peer in pairs(at) do
    if (not found or peer < found) and peer ~= '#' and ARGV[11] ~= '' then
      local other = read(peer)
      local info = other.order > 0 and reorder(other.info, 0) or other.info
      if other.away and string.sub(info, 1, #ARGV[11]) == ARGV[11] and audience(info) == watches then found = peer end
    end
  end
  return found
end

-- Where one asks: answers 'waiting new', 'waiting' when it was known, or 'locked' when too many ask.
local function askToEnter()
  local waiting, before = entryRequests(), nil
  for _, one in ipairs(waiting) do
    if one.login == ARGV[8] then before = one end
  end
  if not before and #waiting >= tonumber(ARGV[18]) then return 'locked' end
  local since = before and before.since or now
  local value = string.format('%.0f %.0f %s %s %s', since, now + ARGV[17], ARGV[2], ARGV[5], ARGV[16])
  redis.call('HSET', KEYS[4], 'w ' .. ARGV[8], value)
  if before and before.peer == ARGV[2] then return 'waiting' end
  touch()
  return 'waiting new'
end

local present = read(ARGV[2])
local limit = tonumber(ARGV[7])
local set = settings()
if limit > 0 then
  local login, user, size, admitted, moved =
    unpack(redis.call('ZMSCORE', KEYS[2], ARGV[8], '!user ' .. ARGV[10], '!size', '!in ' .. ARGV[8], '!moved ' .. ARGV[8]))
  if (login and tonumber(login) > now) or (ARGV[10] ~= '' and user and tonumber(user) > now) then return 'banned' end
  if not set and ARGV[14] == 'created' then return 'unknown' end
  if set and not present and set.closes > 0 and set.closes <= now then return 'over' end
  -- What it is counted as, and whether a lock binds it, depends on it.
  local _, grants = nil, nil
  if hasGrants then
    _, grants = grantsOf(ARGV[20])
  end
  if (grants or '') ~= ARGV[19] then return 'granted ' .. (grants or '') end
  -- The size is that of the people who are in: one that an emptied room left behind is void.
  local stored = size and members > 0 and size - SIZE_BASE or math.huge
  local brought = tonumber(ARGV[13]) or math.huge
  local most = watches and limit or math.min(limit, stored, brought)
  local locked = set and set.locked and ARGV[15] ~= 'moderator'
  if locked and set.ask and admitted and tonumber(admitted) > now then locked = false end
  if locked and moved and tonumber(moved) > now then locked = false end
  -- Invited to speak: it leaves and joins again for that.
  if locked and (string.sub(grants or '', 1, 1) == '1' or string.sub(grants or '', 5, 5) == 's') then locked = false end
  if not present and (locked or full(most, set and set.max > 0 and set.max or math.huge)) then
    local mine = away()
    if not mine then return locked and (set.ask and askToEnter() or 'locked') or 'full' end
    if mine ~= ARGV[12] then return 'full ' .. mine end
    drop(mine, 'replaced')
  end
  if brought < stored then
    redis.call('ZADD', KEYS[2], string.format('%.0f', SIZE_BASE + brought), '!size')
    redis.call('PEXPIRE', KEYS[2], math.max(86400000, redis.call('PTTL', KEYS[2])))
  elseif size and stored == math.huge then
    redis.call('ZREM', KEYS[2], '!size')
  end
elseif members == 0 then
  redis.call('ZREM', KEYS[2], '!size')
end
if not present or not later(present, tonumber(ARGV[3]), order(ARGV[6])) then
  local info = ARGV[6]
  if present and ARGV[9] == 'present' then info = reorder(present.info, order(info)) end
  put(ARGV[2], ARGV[3], ARGV[4], ARGV[5], info, limit > 0 and 'joined' or 'restored')
end
return finish()
