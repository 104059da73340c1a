-- Its socket is gone: from now on messages are parked, until it resumes or the grace is over.
-- ARGV[1] grace ms  [2] node  [3] epoch
if state ~= 'attached' or node ~= ARGV[2] or tonumber(epoch) > tonumber(ARGV[3]) then return 0 end
write('detached', epoch, node, rest, ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1
