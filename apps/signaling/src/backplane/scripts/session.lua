-- Shared head of the session scripts.
-- KEYS[1] session: "state epoch node secret user login room info", where state is attached or detached, and info begins with {"order":N
-- when it was counted; or "over": a tombstone
-- KEYS[2] mailbox: list of the bytes of all its frames, then the frames
local record = redis.call('GET', KEYS[1])
local state, epoch, node, rest
if record then state, epoch, node, rest = string.match(record, '^(%a+) (%d+) (%S+) (.*)$') end

-- What stands before the info in the rest of a record, and the info.
local function split(rest)
  return string.match(rest, '^(%S+ %S* %S* %S* )(.*)$')
end

-- Was what is stored written after a write of that epoch and order?
local function later(mine, count)
  if tonumber(epoch) ~= mine then return tonumber(epoch) > mine end
  local _, info = split(rest)
  return order(info) > count
end

local function write(state, epoch, node, rest, ttl)
  redis.call('SET', KEYS[1], state .. ' ' .. epoch .. ' ' .. node .. ' ' .. rest, 'PX', ttl)
end

-- Adds every frame of the mailbox to `out`, and empties it.
local function empty(out)
  for _, frame in ipairs(redis.call('LRANGE', KEYS[2], 1, -1)) do out[#out + 1] = frame end
  redis.call('DEL', KEYS[2])
  return out
end
