-- Its socket is gone: from now on messages are parked, until it resumes or the grace is over.
-- ARGV[1] grace ms  [2] node  [3] epoch  [4] order; '': found dead by another node
if state ~= 'attached' or node ~= ARGV[2] then return 0 end
local count = tonumber(ARGV[4]) or math.huge
if later(tonumber(ARGV[3]), count) then return 0 end
if ARGV[4] ~= '' then
  local head, info = split(rest)
  rest = head .. reorder(info, count)
end
write('detached', epoch, node, rest, ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
