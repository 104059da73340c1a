-- Shared head of the session scripts.
-- KEYS[1] session: "state epoch node secret user login room info", where state is attached or detached, and info begins with {"order":N
-- when it was counted; or "over": a tombstone
-- KEYS[2] mailbox: list of the bytes of all its frames, then the frames
-- KEYS[3] answers: hash of "p request" for each that parked, and of the last other one: 'last' its name, 'answer' as JSON, 'unread' where its
-- frames are not known to be read, and 'replaced', see identity-claim.lua. A client of Redis sends a command again whose connection broke: it hears then what it was to hear first.
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

-- Longer than a node waits for an answer, and than its client takes to ask another node, ms. Requests that parked, at most.
local ANSWER_TTL, MOST_PARKED = 30000, 512

-- What that request was answered, or nil.
local function answered(request)
  if redis.call('HGET', KEYS[3], 'last') ~= request then return nil end
  return cjson.decode(redis.call('HGET', KEYS[3], 'answer'))
end

local function remember(request, answer)
  redis.call('HSET', KEYS[3], 'last', request, 'answer', cjson.encode(answer))
  redis.call('PEXPIRE', KEYS[3], ANSWER_TTL)
  return answer
end

-- Adds to `out` the frames that the last who took them has not read, then those of the mailbox, and empties it.
local function empty(out)
  if redis.call('HDEL', KEYS[3], 'unread') == 1 then
    local frames = cjson.decode(redis.call('HGET', KEYS[3], 'answer'))
    for i = 2, #frames do out[#out + 1] = frames[i] end
  end
  for _, frame in ipairs(redis.call('LRANGE', KEYS[2], 1, -1)) do out[#out + 1] = frame end
  redis.call('DEL', KEYS[2])
  if redis.call('HLEN', KEYS[3]) > MOST_PARKED then redis.call('DEL', KEYS[3]) end
  return out
end
