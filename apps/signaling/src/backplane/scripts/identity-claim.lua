-- One login session, one session; one user, a limited number of them: takes both places for a session, and writes its record.
-- KEYS[1] holder of the login session  KEYS[2] sessions of the user: set of peerIds  KEYS[3..5] session, mailbox and answers, as in session.lua
-- ARGV[1] peerId  [2] ttl ms  [3] limit (0: none)
-- ARGV[4] 'shared': no holder; 'take': from whoever holds it; 'expect': only if nobody else does, or ARGV[5]
-- ARGV[6] record; '' writes none
-- A node that heard the answer of its resume claims again: what it took is read.
if ARGV[6] == '' then redis.call('HDEL', KEYS[5], 'unread') end
local previous = ARGV[4] ~= 'shared' and redis.call('GET', KEYS[1])
-- What it holds itself is no obstacle: its claim was answered, and the answer lost.
if ARGV[4] == 'expect' and previous and previous ~= ARGV[5] and previous ~= ARGV[1] then return 'held ' .. previous end
local limit = tonumber(ARGV[3])
if limit > 0 and redis.call('SCARD', KEYS[2]) >= limit then
  local others = {}
  for _, peer in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    -- Its own place and that of whom it replaces do not count.
    if peer ~= ARGV[1] and peer ~= previous then others[#others + 1] = peer end
  end
  if #others >= limit then return 'full ' .. table.concat(others, ' ') end
end
if previous and previous ~= ARGV[1] then
  redis.call('SREM', KEYS[2], previous)
  if ARGV[6] ~= '' then
    redis.call('HSET', KEYS[5], 'replaced', previous)
    redis.call('PEXPIRE', KEYS[5], 30000)
  end
elseif previous and ARGV[6] ~= '' then
  -- Opened once more, as its answer was lost or given up: nobody else knows whom it has replaced.
  previous = redis.call('HGET', KEYS[5], 'replaced') or previous
end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
if ARGV[4] ~= 'shared' then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
-- A mailbox is never there without its session.
if ARGV[6] ~= '' and redis.call('SET', KEYS[3], ARGV[6], 'PX', ARGV[2], 'GET') then redis.call('DEL', KEYS[4]) end
if previous then return 'ours ' .. previous end
return 'ours'
