-- claim, room-join and session-open of a fresh session in one step (scripts.ts puts their functions in front). Answers with what room-join
-- does, or with nothing when somebody has to be replaced or refused first; then nothing was written.
-- KEYS[1..2] of identity-claim  [3..5] of room-join  [6..7] of session-open
-- ARGV[1..6] of identity-claim  [7..14] of room-join  [15..22] of session-open
if ARGV[5] ~= 'shared' then
  local holder = redis.call('GET', KEYS[1])
  if holder and holder ~= ARGV[1] then return false end
end
if claim({ unpack(KEYS, 1, 2) }, { unpack(ARGV, 1, 6) })[1] ~= 'ours' then return false end
local room = join({ unpack(KEYS, 3, 5) }, { unpack(ARGV, 7, 14) })
if room[1] ~= 'full' and room[1] ~= 'banned' then
  open({ unpack(KEYS, 6, 7) }, { unpack(ARGV, 15, 22) })
end
return room
