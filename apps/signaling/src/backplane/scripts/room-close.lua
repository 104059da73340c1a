-- Empty the room; answers with who was in it.
-- ARGV[2] '', 'forget': its settings go too, or 'due': only if its end has come
if ARGV[2] == 'due' and not (settings() and settings().ends > 0 and settings().ends <= now) then return false end
if ARGV[2] == 'forget' then forget() end
local out = finish()
if members > 0 then
  existed = true
  empty()
end
return out
