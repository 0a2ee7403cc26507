-- Lanes: which task may go now, what a chat has said, and the hand-over to the pool.

function ops.release() -- let tasks go while there is room; a chat that got its turn stands again at the end when its task has ended
  if not led() then return { -1 } end
  local out, later = {}, {}
  while #out < a.max and call('SCARD', P .. 'released') < a.cap do
    local chat = call('LPOP', P .. 'ring')
    if not chat then break end
    local id = call('LINDEX', P .. 'lane:' .. chat, 0)
    if id and held(id) then later[#later + 1] = chat
    else call('SREM', P .. 'ring.members', chat) end
    if id and later[#later] ~= chat then
      call('LPOP', P .. 'lane:' .. chat)
      call('ZREM', P .. 'waiting.since', id)
      call('SET', P .. 'busy:' .. chat, id)
      call('SADD', P .. 'released', id)
      set(id, 'released_ms', ms(now_ms()))
      out[#out + 1] = id
    end
  end
  for i = #later, 1, -1 do call('LPUSH', P .. 'ring', later[i]) end -- they keep their turns
  return out
end

function ops.remember() -- the user's turn, once; gives the turns before it
  if not led() then return { -1 } end
  local key = P .. 'turns:' .. a.place
  local turns = call('LRANGE', key, 0, -1)
  for i, raw in ipairs(turns) do
    local turn = cjson.decode(raw)
    if turn.task_id == a.task and turn.speaker == 'user' then
      if raw ~= a.turn and get(a.task, 'state') == 'queued' then call('LSET', key, i - 1, a.turn) end -- it has grown
      return turns
    end
  end
  call('RPUSH', key, a.turn)
  call('LTRIM', key, -a.keep, -1)
  call('EXPIRE', key, a.ttl_s)
  set(a.task, 'generation', call('HGET', P .. 'chat:' .. a.place, 'generation') or '0')
  return turns
end

function ops.dispatch()
  if not led() then return -1 end
  if get(a.task, 'state') ~= 'queued' then return 0 end
  if (get(a.task, 'more_n') or '0') ~= ms(a.parts) then return 2 end -- it has grown since it was read
  if held(a.task) then return 3 end
  if a.parts > 0 then joined(a.task, a.parts) end
  set(a.task, 'state', 'ready', 'record', a.record, 'pool', a.pool, 'role', a.role, 'decision', a.decision, 'route_ms', a.route_ms,
    'route_tokens', a.route_tokens, 'ready_ms', ms(now_ms()))
  count('routed:' .. a.decision)
  count('routing_tokens', a.route_tokens)
  call('SADD', P .. 'pools', a.pool)
  call('RPUSH', P .. 'ready:' .. a.pool, a.task)
  call('RPUSH', P .. 'wake:' .. a.pool, 1)
  call('LTRIM', P .. 'wake:' .. a.pool, -1000, -1)
  return 1
end

function ops.fail_task() -- by the leader: the queue's deadline, a record that nobody can read
  if not led() then return -1 end
  local state = get(a.task, 'state')
  if not state or not STOPPABLE[state] then return 0 end
  unqueue(a.task)
  local pool = get(a.task, 'pool')
  if pool then call('LREM', P .. 'ready:' .. pool, 0, a.task) end
  fail(a.task, a.cause)
  return 1
end

function ops.task_notice() -- 'still waiting, because …', once for each task and cause
  if not led() then return -1 end
  if get(a.task, 'state') ~= 'ready' then return 0 end
  task_notice(a.task, 'wait:' .. a.task .. ':' .. a.cause, 'pool_wait', { cause = a.cause }, false)
  return 1
end

function ops.set_prices() -- of today's models, for the runs that end from now on
  if not led() then return -1 end
  call('DEL', P .. 'prices')
  for model, price in pairs(a.prices) do call('HSET', P .. 'prices', model, price) end
  return 1
end

function ops.move_ready() -- the pool's hash changed: unclaimed ids go to the new one
  if not led() then return -1 end
  local moved = 0
  call('SADD', P .. 'pools', a.to)
  while true do
    local id = call('LPOP', P .. 'ready:' .. a.from)
    if not id then break end
    set(id, 'pool', a.to)
    call('RPUSH', P .. 'ready:' .. a.to, id)
    call('RPUSH', P .. 'wake:' .. a.to, 1)
    moved = moved + 1
  end
  if call('EXISTS', P .. 'jobs:' .. a.from) == 0 then call('SREM', P .. 'pools', a.from) end
  return moved
end
