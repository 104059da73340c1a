-- Looks at rooms that receivers know of; answers 'fenced' or a digit for each room: 0 gone, 1 there, 2 there and with a member of a dead node. A
-- room whose members are all of dead nodes, and not away with time left, is removed; that it has ended is written by commit.lua.
-- KEYS[1] lease  KEYS[2] list of the partition's rooms  KEYS[3...] room and settings of each, as in room.lua of signaling
-- ARGV[1] lease, as it must be  ARGV[2...] dead nodes
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'fenced' end
local dead = {}
for i = 2, #ARGV do dead[ARGV[i]] = true end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- '0' all members are of dead nodes, '2' some are, or have time left, '1' none is.
local function look(room)
  local all, some = true, false
  for _, record in ipairs(redis.call('HVALS', room)) do
    -- That of a member; the version of the room has two words.
    local away, node = string.match(record, '^%d+ (%d+) (%S+) ')
    if node and dead[node] then some = true end
    if node and (not dead[node] or tonumber(away) > now) then all = false end
  end
  return all and '0' or some and '2' or '1'
end

-- As room.lua leaves an empty room: listed as long as it has settings, and those for as long as they say.
local function remove(room, settings)
  redis.call('DEL', room)
  local rules = redis.call('HGET', settings, 'rules')
  if rules then
    local empty, kept = string.match(rules, ' (%d+) (%d+)$')
    redis.call('PEXPIRE', settings, string.format('%.0f', math.max(1, tonumber(empty), tonumber(kept) - now)))
  else
    redis.call('ZREM', KEYS[2], string.match(room, '}:r:(.*)$'))
  end
end

local found = {}
for i = 3, #KEYS, 2 do
  local state = redis.call('EXISTS', KEYS[i]) == 0 and 'gone' or #ARGV == 1 and '1' or look(KEYS[i])
  if state == '0' then remove(KEYS[i], KEYS[i + 1]) end
  found[#found + 1] = state == 'gone' and '0' or state
end
return table.concat(found)
