if a.by_ms and now_ms() > a.by_ms then return redis.error_reply('LATE the caller has given up') end
for _, name in ipairs({ 'chat', 'place' }) do
  if a[name] then
    a[name] = here(a[name])
    fix_chat(a[name])
  end
end
if a.task then fix_task(a.task) end
local ok, result = pcall(ops[op])
if ok then return result end
-- What broke the step is mended if it was a key of another type: the caller's next try goes through.
pcall(mend)
return redis.error_reply(type(result) == 'table' and result.err or 'ERR ' .. tostring(result))
