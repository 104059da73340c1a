-- Take a session over: next epoch, this node, the mailbox emptied into the answer. What is in it is unread until that node claims the session's places
-- again (identity-claim.lua), which it does with each resume whose answer it heard.
-- ARGV[1] record ttl ms  [2] node  [3] secret hash  [4] user, as in the record  [5] request
local told = answered(ARGV[5])
if told then return told end
if not state then return false end
local secret, user = string.match(rest, '^(%S+) (%S*) ')
if secret ~= ARGV[3] or user ~= ARGV[4] then return false end
write('attached', string.format('%.0f', epoch + 1), ARGV[2], rest, ARGV[1])
local answer = remember(ARGV[5], empty({ record }))
if #answer > 1 then redis.call('HSET', KEYS[3], 'unread', '1') end
return answer
