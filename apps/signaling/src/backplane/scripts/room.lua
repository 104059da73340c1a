-- Shared head of the room scripts: the room as it is, read once. They change it with put and drop, and end with finish.
-- KEYS[1] room: hash '#' -> "version, first version", peerId -> "epoch awayUntil node info", where info begins with {"order":N when counted
-- KEYS[2] who may enter: zset, login session and '!user <user id>' -> banned until (ms), '!size' -> SIZE_BASE + most members,
--   '!in <login session>' -> let in until (ms)
-- KEYS[3] rooms of the partition that have members or settings: zset, each with score 0, so in the order of their names
-- KEYS[4] settings: hash 'rules' -> "maxPeers locked closesAt endsAt emptyMs keptUntil", 'doc' -> JSON, 'revision' -> number, 'ask' -> '1' when
--   one asks to come in, 'granted' -> '1' when there is a 'g <login session>' -> "until grants" (room-grants.ts), 'restricted' -> what moderators alone may do, with commas between, 'w <login session>' -> "since until peerId node info" of somebody who does; see room-settings.ts
-- KEYS[5] only where events are on: outbox of the partition, a stream; see packages/service/src/room-events.ts
-- ARGV[1] ms that an unread room is kept
-- Above every time in ms, so that the removal of bans that are over leaves the size; exact as a double.
local SIZE_BASE = 9e15
-- As long as a room is in use its settings and its partition's list end not before this, in ms.
local DAY = 86400000
-- Most entries of an outbox, or up to 99 more: some 2 MB of each partition. The oldest go, as a write must never be refused for want of memory.
local OUTBOX_LENGTH = 20000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local room, at = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #room, 2 do at[room[i]] = i end
local members = #room / 2
if at['#'] then members = members - 1 end
local existed = at['#'] ~= nil
local written, dropped = {}, {}
-- Lines of this script's entry in the outbox.
local events = {}
-- Set by a script that keeps what belongs to a room with members, also of one that is listed already.
local keeping = false

local function read(peer)
  if not at[peer] then return nil end
  local epoch, away, node, info = string.match(room[at[peer] + 1], '^(%d+) (%d+) (%S+) (.*)$')
  return { epoch = tonumber(epoch), order = order(info), away = away ~= '0', node = node, info = info }
end

-- Was what is stored written after a write of that epoch and order?
local function later(present, epoch, order)
  return present.epoch > epoch or (present.epoch == epoch and present.order > order)
end

local function write(field, value)
  if not at[field] then
    at[field] = #room + 1
    room[at[field]] = field
    if field ~= '#' then members = members + 1 end
  end
  room[at[field] + 1] = value
  written[#written + 1] = field
  written[#written + 1] = value
end

-- Notes an event of the change that was made last.
local function note(kind, peer, more)
  events[#events + 1] = #written / 2 + #dropped .. ' ' .. kind .. ' ' .. peer .. ' ' .. more
end

-- What others see of a member, without its login session and the end of its token: member-record.ts writes these before it.
local function shown(info)
  local rest = string.match(info, '"loginSession":".-"(.*)$') or info
  return string.match(rest, '^,"until":%d+(.*)$') or rest
end

local function drop(peer, reason)
  -- Its place stays, without a name: readers pass over it.
  room[at[peer]] = ''
  at[peer] = nil
  members = members - 1
  dropped[#dropped + 1] = peer
  if KEYS[5] then note('left', peer, reason) end
end

-- Members that were away too long are gone.
local function reap()
  for i = 1, #room, 2 do
    local away = room[i] ~= '#' and string.match(room[i + 1], '^%d+ (%d+)')
    if away and away ~= '0' and tonumber(away) <= now then drop(room[i], 'timeout') end
  end
end

-- The version and the first one: that of the room's beginning, which tells it from others of its name.
local function versions()
  local version, first = string.match(at['#'] and room[at['#'] + 1] or '0 0', '^(%d+) (%d+)$')
  return tonumber(version), tonumber(first)
end

-- The room's rules, read when first asked for; nil when it has no settings. With them: may a login session do other than its token says?
local rules
local hasGrants = false
local function settings()
  if rules == nil then
    local text, ask, restricted, granted = unpack(redis.call('HMGET', KEYS[4], 'rules', 'ask', 'restricted', 'granted'))
    hasGrants = granted == '1'
    if text then
      local max, locked, closes, ends, empty, kept = string.match(text, '^(%d+) (%d) (%d+) (%d+) (%d+) (%d+)$')
      rules = { max = tonumber(max), locked = locked == '1', closes = tonumber(closes), ends = tonumber(ends), empty = tonumber(empty), kept = tonumber(kept) }
      rules.ask = rules.locked and ask == '1'
      rules.restricted = restricted or ''
    else
      rules = false
    end
  end
  return rules or nil
end

-- Until when a login session may do other than its token says, and what; nil when as its token.
local function grantsOf(login)
  local till, grants = string.match(redis.call('HGET', KEYS[4], 'g ' .. login) or '', '^(%d+) (%S+)$')
  if till and tonumber(till) > now then return till, grants end
end

-- What its token grants of what can be decided, in front of what a client writes; see byToken of room-grants.ts.
local function byToken(info)
  local front = string.sub(info, 1, (string.find(info, ',"metadata":', 1, true) or 0) - 1)
  return string.match(front, '"byToken":"(%d+)"') or '1100'
end

-- The login session of a member as names of fields have it: encodeURIComponent. Nil where JSON writes it in another way than it is.
local function loginOf(info)
  local login = string.match(info, '"loginSession":"(.-)"')
  if not login or string.find(login, '\\', 1, true) then return nil end
  return (string.gsub(login, "[^%w%-_.!~*'()]", function(byte) return string.format('%%%02X', string.byte(byte)) end))
end

-- A member goes on with another login of its user: what was decided of it goes along, except where its tokens differ, or something is decided of that
-- login already (carried of room-grants.ts). It stays where another member has the first login.
local function carryGrants(peer, before, info)
  local from, to = loginOf(before), loginOf(info)
  if not from or not to or from == to then return end
  settings()
  if not hasGrants then return end
  local till, grants = grantsOf(from)
  if not till then return end
  local was, is = byToken(before), byToken(info)
  local untilThere, there = grantsOf(to)
  there = there or '-----'
  local kept = ''
  for i = 1, math.min(5, #grants) do
    local n = i == 5 and 1 or i
    local decided = string.sub(there, n, n) ~= '-' or (n == 1 and string.sub(there, 5, 5) ~= '-')
    local same = string.sub(was, n, n) == string.sub(is, n, n)
    kept = kept .. (decided and string.sub(there, i, i) or same and string.sub(grants, i, i) or '-')
  end
  local said = string.sub(there, 6)
  if said == '' then said = string.sub(grants, 6) end
  if untilThere and tonumber(untilThere) > tonumber(till) then till = untilThere end
  redis.call('HSET', KEYS[4], 'g ' .. to, till .. ' ' .. kept .. said)
  local mine = string.match(before, '"loginSession":".-"')
  for i = 1, #room, 2 do
    if room[i] ~= '' and room[i] ~= peer and string.find(room[i + 1], mine, 1, true) then return end
  end
  redis.call('HDEL', KEYS[4], 'g ' .. from)
end

-- A change of presence is an event, and so is one of what others see; another owner or another login session is none.
local function put(peer, epoch, awayFor, node, info, entered)
  local away = tonumber(awayFor) > 0 and math.floor(now + awayFor) or '0'
  local before = KEYS[5] and at[peer] and (string.match(room[at[peer] + 1], '^%d+ 0 ') and 'here' or 'away')
  local isUpdated = before and string.sub(peer, 1, 6) ~= 'media~' and shown(room[at[peer] + 1]) ~= shown(info)
  if at[peer] then carryGrants(peer, room[at[peer] + 1], info) end
  write(peer, epoch .. ' ' .. away .. ' ' .. node .. ' ' .. info)
  if not KEYS[5] then return end
  if not before then
    -- JSON of the user id: member-record.ts writes the login session behind it.
    note(entered or 'joined', peer, string.match(info, '"userId":(.-),"loginSession"') or '""')
  end
  if isUpdated then note('updated', peer, '') end
  if (before == 'away') ~= (away ~= '0') then note(away == '0' and 'back' or 'away', peer, '') end
end

-- Those of the people who are there, as readState reads them: "g grants login session". What is kept of others, each of whom may come back within a
-- day, must not make every answer longer. A login session that is no plain word is told always: in the info it is written in another way.
local function allGrants()
  local present, found = {}, {}
  for i = 1, #room, 2 do
    local login = room[i] ~= '' and string.match(room[i + 1], '"loginSession":"(.-)"')
    if login then present[login] = true end
  end
  local all = redis.call('HGETALL', KEYS[4])
  for i = 1, #all, 2 do
    local login = string.match(all[i], '^g (.*)$')
    if login and (present[login] or string.find(login, '%', 1, true)) then
      local till, grants = string.match(all[i + 1], '^(%d+) (%S+)$')
      if tonumber(till) > now then found[#found + 1] = 'g ' .. grants .. ' ' .. login end
    end
  end
  return found
end

-- Those who ask to come in, the first first. Who asked too long ago is forgotten.
local function entryRequests()
  local found, all = {}, redis.call('HGETALL', KEYS[4])
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 2) == 'w ' then
      local since, till, peer, rest = string.match(all[i + 1], '^(%d+) (%d+) (%S+) (.*)$')
      if tonumber(till) > now then
        found[#found + 1] = { login = string.sub(all[i], 3), since = tonumber(since), till = till, peer = peer, rest = rest }
      else
        redis.call('HDEL', KEYS[4], all[i])
      end
    end
  end
  table.sort(found, function(a, b) return a.since < b.since or (a.since == b.since and a.peer < b.peer) end)
  return found
end

-- As readEntryRequest reads it.
local function told(request)
  return request.till .. ' ' .. request.peer .. ' ' .. request.rest
end

-- A new version though no member has changed, so that the nodes of the room read it again.
local function touch()
  if members == 0 or not at['#'] then return end
  local version, first = versions()
  redis.call('HSET', KEYS[1], '#', string.format('%.0f %.0f', version + 1, first))
end

local function forget()
  redis.call('DEL', KEYS[4])
  rules, hasGrants = false, false
end

-- How long the settings of a room without members stay, in ms.
local function patience()
  return math.max(settings().empty, settings().kept - now)
end

local function name()
  return string.match(KEYS[1], '}:r:(.*)$')
end

-- The room is in its partition's list, which ends in `ms` or a day at the earliest.
local function list(ms)
  redis.call('ZADD', KEYS[3], 0, name())
  redis.call('PEXPIRE', KEYS[3], string.format('%.0f', math.max(DAY, ms, redis.call('PTTL', KEYS[3]))))
end

-- It ends in a day at the earliest, if it is there.
local function extend(key)
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(DAY, redis.call('PTTL', key))))
end

-- A room with members is listed, and its settings stay, as do its size and who may not enter.
local function keep()
  list(0)
  if settings() then extend(KEYS[4]) end
  extend(KEYS[2])
end

-- The room is empty: its settings stay for a while, and the room is listed as long as it has any.
local function empty()
  redis.call('DEL', KEYS[1])
  if not settings() then
    redis.call('ZREM', KEYS[3], name())
  elseif existed then
    list(patience())
    redis.call('PEXPIRE', KEYS[4], string.format('%.0f', patience()))
  end
end

-- The events of a script are one entry, of the version that the room had before it: lost or kept together with the change.
local function publish(version, first)
  if #events == 0 then return end
  local head = string.format('%.0f %.0f %d %s', version, first, members, name())
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', OUTBOX_LENGTH, '*', 'e', head .. '\n' .. table.concat(events, '\n'))
end

-- The time; if settings were read also when the room ends (0: never), who comes in, what moderators alone may do (nothing where all may), and
-- behind tabs whose login session may do other than its token says, and those who ask to come in.
local function head()
  local granted = hasGrants and '\tg\t' .. table.concat(allGrants(), '\t') or ''
  if not rules then return string.format('%.0f', now) .. granted end
  local text = string.format('%.0f %.0f ', now, rules.ends) .. (rules.ask and 'ask' or rules.locked and 'locked' or 'open')
  if rules.restricted ~= '' then text = text .. ' ' .. rules.restricted end
  text = text .. granted
  if rules.ask then
    for _, request in ipairs(entryRequests()) do text = text .. '\t' .. told(request) end
  end
  return text
end

-- Writes what was changed; answers with the head, then field and value of everything in the room, a line each: one string, as a client
-- takes longer over an array.
local function finish()
  local changes = #written / 2 + #dropped
  if changes > 0 then
    local version, first = versions()
    -- A room starts at the time in microseconds, so that its versions are above those of any room of that name before.
    if version == 0 then version, first = time[1] * 1000000 + time[2], time[1] * 1000000 + time[2] end
    write('#', string.format('%.0f %.0f', version + changes, first))
    publish(version, first)
  end
  if members == 0 then
    empty()
  else
    -- In this order: who was reaped may come in again in the same step.
    if #dropped > 0 then redis.call('HDEL', KEYS[1], unpack(dropped)) end
    if changes > 0 then redis.call('HSET', KEYS[1], unpack(written)) end
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    if keeping or not existed then keep() end
  end
  return head() .. '\n' .. table.concat(room, '\n')
end
