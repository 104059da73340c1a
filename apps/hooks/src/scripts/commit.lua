-- Writes what folding a piece of the outbox gave, all of it or nothing: events, what is told of rooms, who is owed which event, the cursor.
-- Answers with 'fenced' (the lease is another's), 'stale' (the cursor is another), 'present' (see KEYS[6]) or how many events were {left out
-- because a queue was full, given up because the log keeps them no more}.
-- KEYS[1] lease  KEYS[2] cursor  KEYS[3] told  KEYS[4] log  KEYS[5] outbox
-- KEYS[6] only for a room that may have ended without a word: it must not be there, and the outbox must be read to its end
-- ARGV[1] lease, as it must be  [2] cursor "entry count", as it must be, '' for none  [3] next cursor  [4] beginning of the partition's keys
-- ARGV[5] JSON {told: [[room, text or ""]...], events: [{id, type, room, body, to: [endpoint id...]}...]}
-- Events that are kept for feeds, replay and deliveries; and of one room that an endpoint is owed at most.
local LOG_LENGTH, QUEUE_LENGTH = 20000, 1000
-- Longer than the schedule of tries, ms.
local KEPT = 96 * 3600000
-- Of an endpoint that has more rooms waiting, some are looked at with each event that it gets, and some events of one.
local MANY_ROOMS, LOOKED_AT, EXPIRED_AT_ONCE, DEAD_LENGTH = 1000, 2, 100, 10000
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'fenced' end
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return 'stale' end
if KEYS[6] then
  if redis.call('EXISTS', KEYS[6]) == 1 then return 'present' end
  local last = string.match(ARGV[2], '^%S+') or '0-0'
  if #redis.call('XRANGE', KEYS[5], '(' .. last, '+', 'COUNT', 1) > 0 then return 'present' end
end
local time = redis.call('TIME')
-- At once: a second ago, as the clock of who looks for it may be behind.
local due = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) - 1000)
local batch = cjson.decode(ARGV[5])
local leftOut, expired = 0, 0

local oldest
local function isInLog(entry)
  oldest = oldest or redis.call('XRANGE', KEYS[4], '-', '+', 'COUNT', 1)[1][1]
  local ms, number = string.match(entry, '^(%d+)-(%d+)$')
  local oldestMs, oldestNumber = string.match(oldest, '^(%d+)-(%d+)$')
  if ms ~= oldestMs then return tonumber(ms) > tonumber(oldestMs) end
  return tonumber(number) >= tonumber(oldestNumber)
end

-- Gives up what an endpoint waits for and the log keeps no more: it would be at its next try, which may be a day away. Without this, an endpoint that is
-- down for days has every room of these days here, and the memory is that of the calls.
local function giveUpExpired(endpoint)
  local rooms = ARGV[4] .. ':due:' .. endpoint
  -- An error during a deployment: the rights of before it.
  local waiting = redis.pcall('ZCARD', rooms)
  if type(waiting) ~= 'number' or waiting <= MANY_ROOMS then return end
  local dead = ARGV[4] .. ':dead:' .. endpoint
  for _, room in ipairs(redis.call('ZRANDMEMBER', rooms, LOOKED_AT)) do
    local queue = ARGV[4] .. ':q:' .. endpoint .. ':' .. room
    local first = redis.call('LINDEX', queue, 0)
    local count = 0
    while first and count < EXPIRED_AT_ONCE and not isInLog(first) do
      redis.call('XADD', dead, 'MAXLEN', '~', DEAD_LENGTH, '*', 'e', first, 'w', 'expired')
      redis.call('LPOP', queue)
      count = count + 1
      first = redis.call('LINDEX', queue, 0)
    end
    if count > 0 then
      redis.call('HDEL', ARGV[4] .. ':tries:' .. endpoint, room)
      redis.call('PEXPIRE', dead, 30 * 24 * 3600000)
      if first then redis.call('ZADD', rooms, due, room) end
    end
    if not first then redis.call('ZREM', rooms, room) end
    expired = expired + count
  end
end

for _, told in ipairs(batch.told) do
  if told[2] == '' then redis.call('HDEL', KEYS[3], told[1]) else redis.call('HSET', KEYS[3], told[1], told[2]) end
end
for _, event in ipairs(batch.events) do
  local entry = redis.call(
    'XADD', KEYS[4], 'MAXLEN', '~', LOG_LENGTH, '*', 'i', event.id, 't', event.type, 'r', event.room, 'b', event.body
  )
  for _, endpoint in ipairs(event.to) do
    local queue = ARGV[4] .. ':q:' .. endpoint .. ':' .. event.room
    local rooms = ARGV[4] .. ':due:' .. endpoint
    giveUpExpired(endpoint)
    if redis.call('LLEN', queue) >= QUEUE_LENGTH then
      leftOut = leftOut + 1
    else
      redis.call('RPUSH', queue, entry)
      redis.call('PEXPIRE', queue, KEPT)
      redis.call('ZADD', rooms, 'NX', due, event.room)
      redis.call('PEXPIRE', rooms, KEPT)
    end
  end
end
redis.call('SET', KEYS[2], ARGV[3])
return { leftOut, expired }
