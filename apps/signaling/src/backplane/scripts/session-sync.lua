-- Checks after a possible loss that the node still owns it. Written again if it was lost; whatever was parked is handed over to an attached session.
-- ARGV[1] record ttl ms  [2] record, attached or detached  [3] its epoch  [4] grace ms of a detached one, 0: it is attached
-- ARGV[5] its order  [6] node  [7] request
local told = answered(ARGV[7])
if told then return told end
if record and not state then return { 'fenced' } end
-- Of the same epoch on another node: the store lost this owner's resume and counted up to it again.
local ahead = state and tonumber(epoch) - tonumber(ARGV[3])
if ahead and (ahead > 0 or (ahead == 0 and node ~= ARGV[6])) then return { 'fenced', node, epoch } end
-- Overtaken by a later write of the same owner: nothing of it counts.
if state and later(tonumber(ARGV[3]), tonumber(ARGV[5])) then return { 'ours' } end
local ttl = tonumber(ARGV[4])
if ttl == 0 then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1])
  local answer = empty({ 'ours' })
  return #answer > 1 and remember(ARGV[7], answer) or answer
end
if state == 'detached' then ttl = math.max(1, math.min(ttl, redis.call('PTTL', KEYS[1]))) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ttl)
return { 'ours' }
