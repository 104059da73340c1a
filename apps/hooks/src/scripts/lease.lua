-- Takes a partition, or keeps it; answers with the fence of the lease, 0: another dispatcher has it.
-- KEYS[1] lease  KEYS[2] fence
-- ARGV[1] dispatcher  [2] ttl ms
local held = redis.call('GET', KEYS[1])
if held then
  local owner, fence = string.match(held, '^(%S+) (%d+)$')
  if owner ~= ARGV[1] then return 0 end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(fence)
end
local fence = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. fence, 'PX', ARGV[2])
return fence
