-- Jobs of a pool, claims, leases, and what happens when an owner is gone.

function ops.new_job() -- the number is written down before the create, so that a repeated create is harmless
  if not led() then return -1 end
  local n = call('INCR', P .. 'job.counter')
  call('HSET', P .. 'jobs:' .. a.pool, a.name .. '-' .. ms(n), 'created ' .. ms(now_ms()))
  call('SADD', P .. 'pools', a.pool)
  return n
end

function ops.check_in()
  local key = P .. 'jobs:' .. a.pool
  local state = call('HGET', key, a.job)
  if state and state:sub(1, 7) == 'retired' then return 0 end
  if not state then call('SADD', P .. 'pools', a.pool) end -- it outlived what was known of it
  -- When it was last seen, for who asks whether it lives; and since when it waits, for who asks whether a claim was warm.
  local since = (state or ''):match('^waiting %d+ (%d+)') or ms(now_ms())
  call('HSET', key, a.job, 'waiting ' .. ms(now_ms()) .. ' ' .. since)
  return 1
end

function ops.retire() -- fails on a Job that has claimed
  local key = P .. 'jobs:' .. a.pool
  local state = call('HGET', key, a.job)
  if state and state:sub(1, 7) == 'claimed' then return 0 end
  call('HSET', key, a.job, 'retired ' .. ms(now_ms()))
  return 1
end

function ops.note_job() -- what became of the agent, for the run record; known only after the task's own end at times
  if call('EXISTS', task_key(a.task)) == 0 then return 0 end
  set(a.task, 'job_cause', a.cause, 'job_detail', a.detail, 'log_tail', a.log_tail)
  return 1
end

function ops.forget_job()
  call('HDEL', P .. 'jobs:' .. a.pool, a.job)
  if call('EXISTS', P .. 'jobs:' .. a.pool, P .. 'ready:' .. a.pool) == 0 then call('SREM', P .. 'pools', a.pool) end
  return 1
end

-- Also where the pool had nothing left and was forgotten: the leader moves on only what is in a pool that it can see.
local function back_in_line(pool, id)
  if get(id, 'more_n') then into_lane(id); return end -- its agent had not seen all of it: whoever comes next reads one record
  call('SADD', P .. 'pools', pool)
  call('LPUSH', P .. 'ready:' .. pool, id)
  call('RPUSH', P .. 'wake:' .. pool, 1)
end

local function own(id, job, warm)
  local attempt = call('HINCRBY', task_key(id), 'attempt', 1)
  local until_ms = now_ms() + a.lease_ms
  local outbox = get(id, 'outbox')
  set(id, 'grows', attempt, 'job', job, 'state', outbox and 'delivering' or 'running', 'lease_ms', ms(until_ms), 'warm', warm and '1' or '0')
  if not get(id, 'claimed_ms') then set(id, 'claimed_ms', ms(now_ms())) end
  set(id, 'attempt_ms', ms(now_ms()))
  if get(id, 'alone') ~= '1' then call('ZADD', P .. 'leases', until_ms, id) end
  return { id, get(id, 'record'), tostring(attempt), outbox or '', get(id, 'admitted_ms') or '0' }
end

function ops.claim()
  local key = P .. 'jobs:' .. a.pool
  local state = call('HGET', key, a.job)
  if state and state:sub(1, 7) == 'retired' then return { 'retired' } end
  while true do
    local id = call('LPOP', P .. 'ready:' .. a.pool)
    if not id then return {} end
    if get(id, 'state') == 'ready' then
      local since = tonumber((state or ''):match('^waiting %d+ (%d+)') or now_ms())
      call('HSET', key, a.job, 'claimed ' .. id)
      local ready_ms = tonumber(get(id, 'ready_ms') or 0)
      local warm = ready_ms > since
      observe('claim:' .. (warm and 'warm' or 'cold'), now_ms() - ready_ms)
      return own(id, a.job, warm)
    end
  end
end

function ops.claim_alone() -- one task by itself, outside lanes and pools; a repeat of an ended one is harmless
  local state = get(a.task, 'state')
  if state and ENDED[state] then return {} end
  if not state then
    set(a.task, 'state', 'ready', 'record', a.record, 'chat', a.chat, 'chat_kind', a.chat_kind, 'lang', a.lang, 'thread', '', 'message_id', '', 'admitted_ms', ms(now_ms()),
      'attempt', 0, 'tries', 0, 'alone', 1, 'role', a.role or '', 'generation', call('HGET', P .. 'chat:' .. a.chat, 'generation') or '0')
    local key = P .. 'turns:' .. a.chat
    local last = call('LINDEX', key, -1)
    local newest = last and cjson.decode(last)
    if not (newest and newest.speaker == 'user' and newest.text == a.text) then
      call('RPUSH', key, a.turn)
      call('LTRIM', key, -a.keep, -1)
      call('EXPIRE', key, a.ttl_s)
    end
  end
  return own(a.task, 'alone', false)
end

function ops.renew()
  if not owns(a.task, a.attempt) then return { 0, get(a.task, 'state') or 'gone' } end
  local until_ms = now_ms() + a.lease_ms
  set(a.task, 'lease_ms', ms(until_ms))
  if get(a.task, 'alone') ~= '1' then call('ZADD', P .. 'leases', until_ms, a.task) end
  return { 1, get(a.task, 'state') }
end

function ops.hand_back() -- uses up no try; a cancelled task is not taken back
  if not owns(a.task, a.attempt) then return 0 end
  local pool = get(a.task, 'pool')
  if not pool then return 0 end
  if call('HINCRBY', task_key(a.task), 'handbacks', 1) > a.max_handbacks then
    fail(a.task, 'agent_lost')
    return 1
  end
  -- The attempt is spent: a late write of this owner is refused from here on.
  call('HINCRBY', task_key(a.task), 'attempt', 1)
  count('handed_back')
  set(a.task, 'state', 'ready', 'ready_ms', ms(now_ms()))
  call('ZREM', P .. 'leases', a.task)
  back_in_line(pool, a.task)
  return 1
end

function ops.put_back() -- the process cannot do what it has claimed: a fault before any claim, and so the pool's
  if not owns(a.task, a.attempt) then return 0 end
  local pool = get(a.task, 'pool')
  if not pool then return 0 end
  call('HINCRBY', task_key(a.task), 'attempt', 1)
  call('HDEL', task_key(a.task), 'claimed_ms')
  set(a.task, 'state', 'ready')
  call('ZREM', P .. 'leases', a.task)
  back_in_line(pool, a.task)
  call('HSET', P .. 'jobs:' .. pool, a.job, 'created ' .. ms(now_ms()))
  return 1
end

function ops.lost() -- the owner is gone: another try, or the user is told
  if not led() then return -1 end
  if a.attempt and a.attempt ~= '' and not owns(a.task, a.attempt) then return 0 end
  local t = call('HMGET', task_key(a.task), 'state', 'outbox', 'pool', 'lease_ms')
  if a.job and get(a.task, 'job') ~= a.job then return 0 end
  if not t[1] or ENDED[t[1]] or t[1] == 'queued' or t[1] == 'ready' then return 0 end
  if a.only_overdue and tonumber(t[4]) > now_ms() then return 0 end
  set(a.task, 'lost', a.cause)
  count('lost:' .. a.cause)
  if not t[2] then -- only a loss before the answer stands uses up a try
    if call('HINCRBY', task_key(a.task), 'tries', 1) >= a.max_tries then
      fail(a.task, a.cause)
      return 2
    end
  elseif call('HINCRBY', task_key(a.task), 'redeliveries', 1) >= a.max_redeliveries then
    fail(a.task, a.cause)
    return 2
  end
  call('HINCRBY', task_key(a.task), 'attempt', 1)
  set(a.task, 'state', 'ready', 'ready_ms', ms(now_ms()), 'pool', a.pool or t[3])
  call('ZREM', P .. 'leases', a.task)
  back_in_line(a.pool or t[3], a.task)
  return 1
end
