-- Take a session over: next epoch, this node, the mailbox emptied into the answer.
-- ARGV[1] record ttl ms  [2] node  [3] secret hash  [4] user, as in the record
if not state then return false end
local secret, user = string.match(rest, '^(%S+) (%S*) ')
if secret ~= ARGV[3] or user ~= ARGV[4] then return false end
write('attached', string.format('%.0f', epoch + 1), ARGV[2], rest, ARGV[1])
return empty({ record })
