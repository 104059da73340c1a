-- Shared head of the room scripts: the room as it is, read once. They change it with put and drop, and end with finish.
-- KEYS[1] room: hash '#' -> version, peerId -> "epoch awayUntil node info", where info begins with {"order":N when it was counted
-- KEYS[2] who may enter: zset, login session and '!user <user id>' -> banned until (ms), '!size' -> SIZE_BASE + most members
-- ARGV[1] ms that an unread room is kept
-- Above every time in ms, so that the removal of bans that are over leaves the size; exact as a double.
local SIZE_BASE = 9e15
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local room, at = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #room, 2 do at[room[i]] = i end
local members = #room / 2
if at['#'] then members = members - 1 end
local written, dropped = {}, {}

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

local function put(peer, epoch, awayFor, node, info)
  local away = tonumber(awayFor) > 0 and math.floor(now + awayFor) or '0'
  write(peer, epoch .. ' ' .. away .. ' ' .. node .. ' ' .. info)
end

local function drop(peer)
  -- Its place stays, without a name: readers pass over it.
  room[at[peer]] = ''
  at[peer] = nil
  members = members - 1
  dropped[#dropped + 1] = peer
end

-- Members that were away too long are gone.
local function reap()
  for i = 1, #room, 2 do
    local away = string.match(room[i + 1], '^%d+ (%d+)')
    if away and away ~= '0' and tonumber(away) <= now then drop(room[i]) end
  end
end

-- Writes what was changed; answers with the time, then field and value of everything in the room, a line each: one string, as a
-- client takes longer over an array.
local function finish()
  local changes = #written / 2 + #dropped
  if changes > 0 then
    -- A room starts at the time in microseconds, so that its versions are above those of any room of that name before.
    local version = at['#'] and room[at['#'] + 1] or time[1] * 1000000 + time[2]
    write('#', string.format('%.0f', version + changes))
  end
  if members == 0 then
    redis.call('DEL', KEYS[1])
  else
    -- In this order: who was reaped may come in again in the same step.
    if #dropped > 0 then redis.call('HDEL', KEYS[1], unpack(dropped)) end
    if changes > 0 then redis.call('HSET', KEYS[1], unpack(written)) end
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
  end
  return now .. '\n' .. table.concat(room, '\n')
end
