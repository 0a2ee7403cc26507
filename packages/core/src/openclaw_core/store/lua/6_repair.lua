-- Repairs that the leader makes each second, and the move of a chat that gets another id.

-- Keys of the whole bot by their type, for the day on which one holds something else.
local KINDS = {
  string = { 'leader', 'epoch.holder', 'epoch', 'offset', 'job.counter', 'release.turn' },
  list = { 'ring', 'notices', 'signs', 'buttons', 'files' },
  set = { 'ring.members', 'released', 'pools' },
  zset = { 'waiting.since', 'leases', 'stopping', 'flood.refused' },
  hash = { 'templates', 'outcomes', 'counts', 'prices', 'moved' },
  stream = { 'inbox', 'control', 'runs' },
}
mend = function()
  for kind, keys in pairs(KINDS) do
    for _, key in ipairs(keys) do fix_type(P .. key, kind) end
  end
  for _, key in ipairs({ 'epoch', 'job.counter' }) do -- beyond all that were given before
    local value = call('GET', P .. key)
    if value and not value:match('^%d+$') then call('SET', P .. key, ms(now_ms())) end
  end
  for _, kind in ipairs({ 'ready', 'wake', 'jobs' }) do
    for _, pool in ipairs(call('SMEMBERS', P .. 'pools')) do fix_type(P .. kind .. ':' .. pool, kind == 'jobs' and 'hash' or 'list') end
    if a.pool then fix_type(P .. kind .. ':' .. a.pool, kind == 'jobs' and 'hash' or 'list') end
  end
end

-- epoch → 1. Repairs what a failed step, a lost key or a write from outside leaves behind: a released task with no owner goes back to its list or is
-- judged by its lease, an ended one frees its lane, a chat with waiting tasks gets its turn. A released task that is still `queued` is left to the
-- leader, which routes it. Late: nothing, or the same repair.
function ops.reconcile()
  if not led() then return -1 end
  mend()
  for _, id in ipairs(call('SMEMBERS', P .. 'released')) do
    fix_task(id)
    local state, pool = get(id, 'state'), get(id, 'pool')
    if not state or ENDED[state] then leave(id)
    elseif state == 'ready' and not pool then set(id, 'state', 'queued')
    elseif state == 'ready' then
      fix_type(P .. 'ready:' .. pool, 'list')
      if not call('LPOS', P .. 'ready:' .. pool, id) then back_in_line(pool, id) end
    elseif state ~= 'queued' and not call('ZSCORE', P .. 'leases', id) then
      call('ZADD', P .. 'leases', now_ms(), id) -- whoever has it renews, or is judged
    end
  end
  if call('LLEN', P .. 'ring') ~= call('SCARD', P .. 'ring.members') then
    call('DEL', P .. 'ring.members')
    for _, chat in ipairs(call('LRANGE', P .. 'ring', 0, -1)) do
      if call('SADD', P .. 'ring.members', chat) == 0 then call('LREM', P .. 'ring', -1, chat) end
    end
  end
  for _, id in ipairs(call('ZRANGE', P .. 'waiting.since', 0, 99)) do
    fix_task(id)
    local chat = get(id, 'chat')
    if chat and get(id, 'state') == 'queued' then next_in_chat(chat) else call('ZREM', P .. 'waiting.since', id) end
  end
  return 1
end

-- A group became a supergroup: what comes for its old id goes to the new one from now on. Its turns, lane and running task come before what stands
-- under the new id already.
local function move_chat(from, to)
  if from == to or call('HEXISTS', P .. 'moved', from) == 1 or here(to) == from then return 0 end
  fix_chat(from)
  fix_chat(to)
  call('HSET', P .. 'moved', from, to)
  local lane, running = call('LRANGE', P .. 'lane:' .. from, 0, -1), running_in(from)
  if running then lane[#lane + 1] = running end
  for _, id in ipairs(lane) do
    fix_type(task_key(id), 'hash')
    local record = get(id, 'record')
    if get(id, 'chat') then set(id, 'chat', to) end
    if record then set(id, 'record', readdressed(record, from, to)) end
  end
  if running then
    table.remove(lane)
    call('DEL', P .. 'busy:' .. from)
    if not running_in(to) then call('SET', P .. 'busy:' .. to, running) end
  end
  for i = #lane, 1, -1 do call('LPUSH', P .. 'lane:' .. to, lane[i]) end
  call('DEL', P .. 'lane:' .. from)
  call('LREM', P .. 'ring', 0, from)
  call('SREM', P .. 'ring.members', from)

  local turns = call('LRANGE', P .. 'turns:' .. from, 0, -1)
  if #turns > 0 then
    local ttl = math.max(call('PTTL', P .. 'turns:' .. from), call('PTTL', P .. 'turns:' .. to))
    for i = #turns, 1, -1 do call('LPUSH', P .. 'turns:' .. to, turns[i]) end
    call('PEXPIRE', P .. 'turns:' .. to, math.max(1, ttl))
    call('DEL', P .. 'turns:' .. from)
  end
  for _, name in ipairs({ 'lang', 'last_role', 'last_task', 'generation' }) do
    local value = call('HGET', P .. 'chat:' .. from, name)
    if value and call('HEXISTS', P .. 'chat:' .. to, name) == 0 then set_chat(to, name, value) end
  end
  call('DEL', P .. 'chat:' .. from)
  if call('EXISTS', P .. 'wish:' .. from) == 1 then call('RENAMENX', P .. 'wish:' .. from, P .. 'wish:' .. to) end
  call('DEL', P .. 'wish:' .. from)
  next_in_chat(to)
  return 1
end

-- from, to → 1 if all that is kept of the chat moved, 0 if it had moved before. Late: nothing.
function ops.move_chat() return move_chat(a.from, a.to) end

function effects.move(e) move_chat(e.from, e.to) end
