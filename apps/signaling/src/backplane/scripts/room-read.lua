-- The room as it is, unless the reader knows that version. Keeps what belongs to a room with members.
-- ARGV[2] known version
reap()
keeping = true
local out = finish()
if string.format('%.0f', versions()) == ARGV[2] then return false end
return out
