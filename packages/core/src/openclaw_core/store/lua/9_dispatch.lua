-- Keys of the whole bot by their type, for the day on which one holds something else.
local KINDS = {
  string = { 'leader', 'epoch.holder', 'epoch', 'offset', 'job.counter', 'release.turn' },
  list = { 'ring', 'notices', 'signs', 'buttons', 'files' },
  set = { 'ring.members', 'released', 'pools' },
  zset = { 'waiting.since', 'leases', 'stopping', 'flood.refused' },
  hash = { 'templates', 'outcomes', 'counts', 'prices', 'moved' },
  stream = { 'inbox', 'control', 'runs' },
}
local function mend()
  for kind, keys in pairs(KINDS) do
    for _, key in ipairs(keys) do sound(P .. key, kind) end
  end
  for _, key in ipairs({ 'epoch', 'job.counter' }) do -- beyond all that were given before
    local value = call('GET', P .. key)
    if value and not value:match('^%d+$') then call('SET', P .. key, ms(now_ms())) end
  end
  for _, kind in ipairs({ 'ready', 'wake', 'jobs' }) do
    for _, pool in ipairs(call('SMEMBERS', P .. 'pools')) do sound(P .. kind .. ':' .. pool, kind == 'jobs' and 'hash' or 'list') end
    if a.pool then sound(P .. kind .. ':' .. a.pool, kind == 'jobs' and 'hash' or 'list') end
  end
end

if a.chat then
  a.chat = here(a.chat)
  sound_chat(a.chat)
end
if a.task then sound_task(a.task) end
local ok, result = pcall(ops[op])
if ok then return result end
-- What broke the step is mended if it was a key of another type: the caller's next try goes through.
pcall(mend)
return redis.error_reply(type(result) == 'table' and result.err or 'ERR ' .. tostring(result))
