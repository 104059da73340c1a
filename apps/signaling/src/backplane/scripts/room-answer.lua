-- Decide about somebody who asks to come in; answers with it, or nil when that peer does not ask.
-- ARGV[2] peerId  [3] 'admit', 'refuse' or 'withdraw'  [4] ms that it may come in, or is kept out
for _, request in ipairs(entryRequests()) do
  if request.peer == ARGV[2] then
    redis.call('HDEL', KEYS[4], 'w ' .. request.login)
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
