-- Empty the room; answers with who was in it.
local out = state()
redis.call('DEL', KEYS[1], KEYS[2])
return out
