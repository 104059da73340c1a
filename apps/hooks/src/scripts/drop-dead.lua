-- Removes a room whose members are all of dead nodes, and not away with time left: 1, else 0. That it has ended is written by commit.lua.
-- KEYS[1] lease  KEYS[2] room, as in room.lua of signaling
-- ARGV[1] lease, as it must be  ARGV[2...] dead nodes
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local dead = {}
for i = 2, #ARGV do dead[ARGV[i]] = true end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local room = redis.call('HGETALL', KEYS[2])
for i = 1, #room, 2 do
  if room[i] ~= '#' then
    local away, node = string.match(room[i + 1], '^%d+ (%d+) (%S+) ')
    if not dead[node] or tonumber(away) > now then return 0 end
  end
end
return redis.call('DEL', KEYS[2])
