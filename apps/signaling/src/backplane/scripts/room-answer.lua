-- Decide about somebody who asks to come in; answers with it, or nil when that peer does not ask.
-- ARGV[2] peerId  [3] 'admit', 'refuse' or 'withdraw'  [4] ms that it may come in, or is kept out
-- ARGV[5] request: answered once more as it was, when it is sent again within a minute; that is a field "a request" of KEYS[4]: "till answer"
local kept = redis.call('HGET', KEYS[4], 'a ' .. ARGV[5])
if kept then return string.match(kept, '^%d+ (.*)$') end
for _, request in ipairs(entryRequests()) do
  if request.peer == ARGV[2] then
    redis.call('HDEL', KEYS[4], 'w ' .. request.login)
    local all = redis.call('HGETALL', KEYS[4])
    for i = 1, #all, 2 do
      local till = string.sub(all[i], 1, 2) == 'a ' and string.match(all[i + 1], '^%d+')
      if till and tonumber(till) <= now then redis.call('HDEL', KEYS[4], all[i]) end
    end
    redis.call('HSET', KEYS[4], 'a ' .. ARGV[5], string.format('%.0f %s', now + 60000, told(request)))
    if ARGV[3] ~= 'withdraw' then
      redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
      redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[4]), (ARGV[3] == 'admit' and '!in ' or '') .. request.login)
      redis.call('PEXPIRE', KEYS[2], math.max(ARGV[4], redis.call('PTTL', KEYS[2])))
    end
    touch()
    return told(request)
  end
end
return false
