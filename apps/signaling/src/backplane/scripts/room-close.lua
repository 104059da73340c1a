-- Empty the room; answers with who was in it.
-- ARGV[2] '', 'forget': its settings go too, or 'due': only if its end has come
if ARGV[2] == 'due' and not (settings() and settings().ends > 0 and settings().ends <= now) then return false end
if ARGV[2] == 'forget' then forget() end
local out = finish()
if members > 0 then
  existed = true
  -- Behind what was answered: the room that it says is the one that ended.
  local version, first = versions()
  local peers = {}
  for peer in pairs(at) do
    if peer ~= '#' then peers[#peers + 1] = peer end
  end
  table.sort(peers)
  for _, peer in ipairs(peers) do drop(peer, 'closed') end
  publish(version, first)
  empty()
end
return out
