-- Repairs that the leader makes each second, and the move of a chat that gets another id.
do -- the names of this file end with it: a script may have 200

-- Keys of the whole bot by their type, to find those of a wrong type.
local KINDS = {
  string = { 'leader', 'epoch.holder', 'epoch', 'offset', 'job.counter', 'release.turn', 'order', 'changes', 'files.at' },
  list = { 'ring', 'signs', 'agent:news' },
  set = { 'ring.members', 'released', 'pools' },
  zset = { 'waiting.since', 'open', 'later', 'again', 'ended', 'agent:leases', 'agent:pictures', 'budget.reserved' },
  hash = { 'templates', 'outcomes', 'counts', 'prices', 'moved', 'access', 'access.git', 'pairing', 'forgetting', 'budget.limits', 'canaries' },
  stream = { 'inbox', 'control', 'runs', 'feedback' },
}
local POOL_KINDS = { ready = 'list', wake = 'list', jobs = 'hash' }
mend = function()
  local deleted = {}
  for kind, keys in pairs(KINDS) do
    for _, key in ipairs(keys) do deleted[key] = fix_type(P .. key, kind) end
  end
  for _, key in ipairs({ 'epoch', 'job.counter', 'order', 'changes' }) do -- beyond all that were given before
    local value = call('GET', P .. key)
    if deleted[key] or (value and not value:match('^%d+$')) then call('SET', P .. key, ms(now_ms())) end
  end
  local pools = call('SMEMBERS', P .. 'pools')
  pools[#pools + 1] = a.pool
  for _, pool in ipairs(pools) do
    for name, kind in pairs(POOL_KINDS) do fix_type(A .. name .. ':' .. pool, kind) end
  end
end

-- Repair a task that is out. Its owner is adopted, or judged by its lease; a task without an owner gets another run.
local function repair_task(id)
  fix_task(id)
  local state, pool, run = get(id, 'state'), get(id, 'pool'), run_of(id)
  if state == 'queued' then return end -- left to the leader, which routes it
  if not state or ENDED[state] then leave(id); return end
  if run and of_run(run, 'record') then
    if of_run(run, 'result') or of_run(run, 'asks') then call('RPUSH', A .. 'news', run) end -- the news of it may be lost
    if of_run(run, 'job') then
      note_progress(id, run)
      if not of_run(run, 'result') and not call('ZSCORE', A .. 'leases', run) then call('ZADD', A .. 'leases', now_ms(), run) end -- it is renewed, or judged
    elseif not pool then again(id, nil) -- nobody can find it
    elseif not call('LPOS', A .. 'ready:' .. pool, run) then call('LPUSH', A .. 'ready:' .. pool, run) end
  else again(id, pool, a.secret) end
end

-- Repair what a failed step, a lost key or a write from outside leaves behind: a released task with no owner, an ended one that holds its lane, a chat
-- with waiting tasks that has no turn.
-- Arguments: epoch, secret
-- Keys: reads epoch, files.at, budget.limits, prices; writes task, turns, answer, counts, episode, open, changes, order, ended, lane, ring,
-- ring.members, busy, released, waiting.since, pools, agent:run, agent:ready, agent:wake, agent:leases, agent:news, agent:pictures,
-- budget.reserved, notice, spent, and any key of a wrong type
-- Result: 1
-- Late or twice: nothing, or the same repair.
function ops.reconcile()
  if not led() then return -1 end
  mend()
  for _, id in ipairs(call('SMEMBERS', P .. 'released')) do repair_task(id) end
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
  call('ZREMRANGEBYSCORE', P .. 'ended', '-inf', now_ms() - KEEP_TASK_S * 1000)
  return 1
end

-- Move a group that became a supergroup. Its turns, lane and running task go before those that the new id has already; later effects on the old id go to
-- the new one.
local function move_chat(from, to)
  if from == to or call('HEXISTS', P .. 'moved', from) == 1 or here(to) == from then return 0 end
  fix_chat(from)
  fix_chat(to)
  call('HSET', P .. 'moved', from, to)
  for _, set in ipairs({ 'open', 'later' }) do
    for _, display in ipairs(call('ZRANGE', P .. set, 0, -1)) do
      local key = display_key(display)
      if call('HGET', key, 'chat') == from then
        call('HSET', key, 'chat', to)
        if set == 'open' then touch(display) end
      end
    end
  end
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
  local known = call('HGETALL', P .. 'chat:' .. from)
  for i = 1, #known, 2 do
    if call('HEXISTS', P .. 'chat:' .. to, known[i]) == 0 then set_chat(to, known[i], known[i + 1]) end
  end
  call('DEL', P .. 'chat:' .. from)
  if call('EXISTS', P .. 'next_role:' .. from) == 1 then call('RENAMENX', P .. 'next_role:' .. from, P .. 'next_role:' .. to) end
  call('DEL', P .. 'next_role:' .. from)
  local allowed = call('HGET', P .. 'access', from)
  if allowed then
    call('HSET', P .. 'access', to, allowed)
    call('HDEL', P .. 'access', from)
  end
  move_budget(from, to)
  next_in_chat(to)
  return 1
end

-- Move all that is kept of a group to its new id.
-- Arguments: from, to
-- Keys: reads released, later; writes moved, task, notice, open, changes, lane, ring, ring.members, busy, turns, chat, next_role, access, spent,
-- budget.reserved
-- Result: 1; 0 if it had moved before
-- Late or twice: nothing.
function ops.move_chat() return move_chat(a.from, a.to) end

-- Move all that is kept of a group to its new id.
-- Arguments: `MoveChat`
-- Keys: as `move_chat`
function effects.move(e) move_chat(e.from, e.to) end
end -- of this file
