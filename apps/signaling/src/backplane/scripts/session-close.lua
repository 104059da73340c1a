-- Its owner ends a session: record, mailbox and places go, unless a newer owner has them.
-- KEYS[3] holder of the login session  KEYS[4] sessions of the user
-- ARGV[1] epoch  [2] peerId
if state and tonumber(epoch) > tonumber(ARGV[1]) then return 0 end
if state then redis.call('DEL', KEYS[1], KEYS[2]) end
redis.call('SREM', KEYS[4], ARGV[2])
if redis.call('GET', KEYS[3]) == ARGV[2] then redis.call('DEL', KEYS[3]) end
return 1
