-- A dead node's member is away from now on. Many nodes may say so; the first one counts.
-- ARGV[2] peerId  [3] dead node  [4] awayFor ms
local present = read(ARGV[2])
if present and present.node == ARGV[3] and not present.away then
  put(ARGV[2], present.epoch, ARGV[4], present.node, present.info)
end
return finish()
