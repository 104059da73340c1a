-- Shared head of the room scripts.
-- KEYS[1] members: hash peerId -> "epoch awayUntil node info"   KEYS[2] version   KEYS[3] bans: zset login session -> until (ms)
-- ARGV[1] ms that an unread room is kept
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function bump()
  -- A room starts at the time in microseconds, so that its versions are above those of any room of that name before.
  if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('SET', KEYS[2], time[1] .. string.format('%06d', tonumber(time[2])))
  end
  redis.call('INCR', KEYS[2])
end

local function read(peer)
  local value = redis.call('HGET', KEYS[1], peer)
  if not value then return nil end
  local epoch, away, node, info = string.match(value, '^(%d+) (%d+) (%S+) (.*)$')
  return { epoch = tonumber(epoch), away = tonumber(away), node = node, info = info }
end

local function write(peer, epoch, awayFor, node, info)
  local away = 0
  if awayFor > 0 then away = now + awayFor end
  redis.call('HSET', KEYS[1], peer, string.format('%d %.0f %s %s', epoch, away, node, info))
  bump()
end

-- Members that were away too long are gone.
local function reap()
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local away = tonumber(string.match(all[i + 1], '^%d+ (%d+)'))
    if away > 0 and away <= now then
      redis.call('HDEL', KEYS[1], all[i])
      bump()
    end
  end
end

-- version, then peerId, epoch, awayFor, node, info of each member
local function state()
  local out = { redis.call('GET', KEYS[2]) or '0' }
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local epoch, away, node, info = string.match(all[i + 1], '^(%d+) (%d+) (%S+) (.*)$')
    local left = 0
    if tonumber(away) > 0 then left = math.max(1, tonumber(away) - now) end
    out[#out + 1] = all[i]
    out[#out + 1] = epoch
    out[#out + 1] = string.format('%.0f', left)
    out[#out + 1] = node
    out[#out + 1] = info
  end
  if #all == 0 then
    redis.call('DEL', KEYS[2])
  else
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[1])
  end
  return out
end
