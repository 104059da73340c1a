-- Replace the record of a present member, unless that was written later.
-- ARGV[2] peerId  [3] epoch  [4] awayFor ms  [5] node  [6] info
local present = read(ARGV[2])
if present and not later(present, tonumber(ARGV[3]), order(ARGV[6])) then
  put(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
end
return finish()
