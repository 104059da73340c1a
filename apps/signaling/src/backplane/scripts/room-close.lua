-- Empty the room; answers with who was in it.
local out = finish()
redis.call('DEL', KEYS[1])
return out
