-- The room as it is, unless the reader knows that version.
-- ARGV[2] known version
reap()
local out = finish()
local version = at['#'] and room[at['#'] + 1] or '0'
if version == ARGV[2] then return false end
return out
