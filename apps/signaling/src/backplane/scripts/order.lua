-- Shared head: the order of a write lies at the head of its info, where a node that does not count passes it on.
local function order(info)
  return tonumber(string.match(info, '^{"order":(%d+)') or '0')
end

local function reorder(info, n)
  local bare = string.gsub(info, '^{"order":%d+,?', '{', 1)
  if n == 0 then return bare end
  return string.format('{"order":%.0f%s', n, bare == '{}' and '}' or ',' .. string.sub(bare, 2))
end

