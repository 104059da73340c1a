-- Write the settings of a room; answers 'written' and the revision, or 'exists', 'missing' or 'stale' with nothing changed.
-- ARGV[2] 'new', 'any', or the revision that the writer read  [3] rules  [4] JSON document  [5] '1': one asks to come in, or '0'
-- [6] what moderators alone may do, with commas between  [7] request: answered once more as it was, when it is sent again
local revision = redis.call('HGET', KEYS[4], 'revision')
if revision and redis.call('HGET', KEYS[4], 'by') == ARGV[7] then return 'written ' .. revision end
if ARGV[2] == 'new' then
  if revision then return 'exists' end
elseif not revision then
  return 'missing'
elseif ARGV[2] ~= 'any' and ARGV[2] ~= revision then
  return 'stale'
end
-- From the time in microseconds, so that a room of the same name later has other revisions.
local next = string.format('%.0f', math.max((tonumber(revision) or 0) + 1, time[1] * 1000000 + time[2]))
redis.call('HSET', KEYS[4], 'rules', ARGV[3], 'doc', ARGV[4], 'revision', next, 'ask', ARGV[5], 'restricted', ARGV[6], 'by', ARGV[7])
rules = nil
if ARGV[5] == '0' then
  for _, request in ipairs(entryRequests()) do redis.call('HDEL', KEYS[4], 'w ' .. request.login) end
end
local ms = members > 0 and math.max(DAY, patience()) or patience()
redis.call('PEXPIRE', KEYS[4], string.format('%.0f', ms))
list(ms)
local version, first = versions()
touch()
-- A room that nobody is in has no events: its revision tells.
if KEYS[5] and members > 0 and at['#'] then
  events[1] = '1 settings - ' .. next
  publish(version, first)
end
return 'written ' .. next
