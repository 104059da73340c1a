-- Its owner ends a session: record, mailbox and places go, unless something later was written.
-- KEYS[4] holder of the login session  KEYS[5] sessions of the user
-- ARGV[1] epoch  [2] order  [3] peerId
if state and later(tonumber(ARGV[1]), tonumber(ARGV[2])) then return 0 end
if state then redis.call('DEL', KEYS[1], KEYS[2]) end
redis.call('SREM', KEYS[5], ARGV[3])
if redis.call('GET', KEYS[4]) == ARGV[3] then redis.call('DEL', KEYS[4]) end
return 1
