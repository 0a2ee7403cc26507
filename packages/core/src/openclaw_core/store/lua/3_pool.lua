-- Jobs of a pool, claims, leases, and what happens when an owner is gone.

local function job_state(pool, job) return call('HGET', P .. 'jobs:' .. pool, job) or '' end

-- Whether the Job still has the task that it claimed last; gives the task's id.
local IN_HAND = { running = true, preview = true, answered = true, delivering = true }
local function in_hand(pool, job)
  local id = job_state(pool, job):match('^claimed (.+)$')
  if not id then return nil end
  fix_type(task_key(id), 'hash')
  local task = call('HMGET', task_key(id), 'state', 'job')
  return IN_HAND[task[1]] and task[2] == job and id or nil
end

-- epoch, pool, name, call → the Job's number, written down before the create, so that a repeated create is harmless. `call` names this call for a
-- minute: late: the same number again, or afterwards a Job that is not created, which the pool forgets within seconds.
local KEEP_CALL_S = 60
function ops.new_job()
  if not led() then return -1 end
  local known = a.call and call('GET', P .. 'job.call:' .. a.call)
  if known then return tonumber(known) end
  local n = call('INCR', P .. 'job.counter')
  if a.call then call('SET', P .. 'job.call:' .. a.call, n, 'EX', KEEP_CALL_S) end
  set_job(a.pool, a.name .. '-' .. ms(n), 'created ' .. ms(now_ms()))
  remember_pool(a.pool)
  return n
end

-- pool, job → 1, or 0 for a retired Job. Late: nothing while the Job has a task; one that has gone counts as waiting until it is silent for 15 s.
function ops.check_in()
  local state = job_state(a.pool, a.job)
  if state:sub(1, 7) == 'retired' then return 0 end
  if in_hand(a.pool, a.job) then return 1 end
  remember_pool(a.pool) -- it may have outlived what was known of it
  -- When it was last seen, for who asks whether it lives; and since when it waits, for who asks whether a claim was warm.
  local since = state:match('^waiting %d+ (%d+)') or ms(now_ms())
  set_job(a.pool, a.job, 'waiting ' .. ms(now_ms()) .. ' ' .. since)
  return 1
end

-- pool, job → 1, or 0 for a Job that has claimed. Late: nothing, or a mark on a Job that has gone, which the pool forgets after 15 s.
function ops.retire()
  local state = job_state(a.pool, a.job)
  if state:sub(1, 7) == 'claimed' then return 0 end
  if state:sub(1, 7) == 'retired' then return 1 end
  set_job(a.pool, a.job, 'retired ' .. ms(now_ms()))
  remember_pool(a.pool)
  return 1
end

-- task, cause, detail, log_tail → 1, or 0 without such a task: what became of the agent, for the run record; known only after the task's own end
-- at times. Late: the same again.
function ops.note_job()
  if call('EXISTS', task_key(a.task)) == 0 then return 0 end
  set(a.task, 'job_cause', a.cause, 'job_detail', a.detail, 'log_tail', a.log_tail)
  return 1
end

-- pool, job → 1. Late: nothing; a Job that lives all the same checks in again.
function ops.forget_job()
  call('HDEL', P .. 'jobs:' .. a.pool, a.job)
  if call('EXISTS', P .. 'jobs:' .. a.pool, P .. 'ready:' .. a.pool) == 0 then
    call('SREM', P .. 'pools', a.pool)
    call('DEL', P .. 'wake:' .. a.pool)
  end
  return 1
end

-- Also where the pool had nothing left and was forgotten: the leader moves on only what is in a pool that it can see.
local function back_in_line(pool, id)
  if get(id, 'more_n') then into_lane(id); return end -- its agent had not seen all of it: whoever comes next reads one record
  remember_pool(pool)
  call('LPUSH', P .. 'ready:' .. pool, id)
  wake(pool)
end

local function one_more(id, field)
  local n = number(get(id, field), 0) + 1
  set(id, field, ms(n))
  return n
end
local function next_attempt(id) one_more(id, 'attempt') end

local function lease(id)
  local until_ms = now_ms() + a.lease_ms
  set(id, 'lease_ms', ms(until_ms))
  if get(id, 'alone') ~= '1' then call('ZADD', P .. 'leases', until_ms, id) end
end

local function claimed(id)
  return { id, get(id, 'record') or '', get(id, 'attempt'), get(id, 'outbox') or '', get(id, 'admitted_ms') or '0' }
end

local function own(id, job, warm)
  next_attempt(id)
  set(id, 'grows', get(id, 'attempt'), 'job', job, 'state', get(id, 'outbox') and 'delivering' or 'running', 'warm', warm and '1' or '0')
  if not get(id, 'claimed_ms') then set(id, 'claimed_ms', ms(now_ms())) end
  set(id, 'attempt_ms', ms(now_ms()))
  lease(id)
  return claimed(id)
end

-- pool, job, call, lease_ms → id, record, attempt, outbox, admitted_ms of the next ready task; nothing if there is none; 'retired'. Twice by the same
-- `call`: the same task with the same attempt while the Job has it, else nothing. Late: the same; if its caller never asked again, the lease of
-- what it took ends.
function ops.claim()
  local state = job_state(a.pool, a.job)
  if state:sub(1, 7) == 'retired' then return { 'retired' } end
  local known = a.call and call('GET', P .. 'claim.call:' .. a.call)
  if known then
    if in_hand(a.pool, a.job) ~= known then return {} end
    lease(known)
    return claimed(known)
  end
  while true do
    local id = call('LPOP', P .. 'ready:' .. a.pool)
    if not id then return {} end
    fix_task(id)
    if get(id, 'state') == 'ready' then
      local since = number(state:match('^waiting %d+ (%d+)'), now_ms())
      if a.call then call('SET', P .. 'claim.call:' .. a.call, id, 'EX', KEEP_CALL_S) end
      set_job(a.pool, a.job, 'claimed ' .. id)
      remember_pool(a.pool)
      local ready_ms = number(get(id, 'ready_ms'), 0)
      local warm = ready_ms > since
      observe('claim:' .. (warm and 'warm' or 'cold'), now_ms() - ready_ms)
      return own(id, a.job, warm)
    end
  end
end

-- task, call, chat, chat_kind, lang, role, text, record, turn, keep, ttl_s, lease_ms → as `claim`, one task by itself, outside lanes and pools;
-- nothing if it has ended. Twice by the same `call`: the same attempt. Late: the same, or nothing after its end.
function ops.claim_alone()
  local state = get(a.task, 'state')
  if state and ENDED[state] then return {} end
  if state and a.call and get(a.task, 'call') == a.call then return claimed(a.task) end
  if not state then
    set(a.task, 'state', 'ready', 'record', a.record, 'chat', a.chat, 'chat_kind', a.chat_kind, 'lang', a.lang, 'thread', '', 'message_id', '', 'admitted_ms', ms(now_ms()),
      'attempt', 0, 'tries', 0, 'alone', 1, 'role', a.role or '', 'generation', call('HGET', P .. 'chat:' .. a.chat, 'generation') or '0')
    local key = P .. 'turns:' .. a.chat
    local last = call('LINDEX', key, -1)
    local newest = last and row(last)
    if not (newest and newest.speaker == 'user' and newest.text == a.text) then
      call('RPUSH', key, a.turn)
      call('LTRIM', key, -a.keep, -1)
      call('EXPIRE', key, a.ttl_s)
    end
  end
  if a.call then set(a.task, 'call', a.call) end
  call('EXPIRE', task_key(a.task), KEEP_TASK_S) -- nobody but its own process ends it
  return own(a.task, 'alone', false)
end

-- task, attempt, lease_ms → 1 and the state, or 0 and the state that took it. Late: the lease of an attempt that still counts ends later.
function ops.renew()
  if not owns(a.task, a.attempt) then return { 0, get(a.task, 'state') or 'gone' } end
  lease(a.task)
  return { 1, get(a.task, 'state') }
end

-- task, attempt, max_handbacks → 1, or 0 if it is not ours: uses up no try; a cancelled task is not taken back. Late: nothing.
function ops.hand_back()
  if not owns(a.task, a.attempt) then return 0 end
  local pool = get(a.task, 'pool')
  if not pool then return 0 end
  if one_more(a.task, 'handbacks') > a.max_handbacks then
    fail(a.task, 'agent_lost')
    return 1
  end
  -- The attempt is spent: a late write of this owner is refused from here on.
  next_attempt(a.task)
  count('handed_back')
  set(a.task, 'state', 'ready', 'ready_ms', ms(now_ms()))
  call('ZREM', P .. 'leases', a.task)
  back_in_line(pool, a.task)
  return 1
end

-- task, attempt, job → 1, or 0 if it is not ours: the process cannot do what it has claimed: a fault before any claim, and so the pool's.
-- Late: nothing.
function ops.put_back()
  if not owns(a.task, a.attempt) then return 0 end
  local pool = get(a.task, 'pool')
  if not pool then return 0 end
  next_attempt(a.task)
  call('HDEL', task_key(a.task), 'claimed_ms')
  set(a.task, 'state', 'ready')
  call('ZREM', P .. 'leases', a.task)
  back_in_line(pool, a.task)
  set_job(pool, a.job, 'created ' .. ms(now_ms()))
  return 1
end

-- epoch, task, cause, pool, job, only_overdue, max_tries, max_redeliveries → 1: another try, 2: failed and told, 0: nothing to do. The owner is gone:
-- `job`, if it still is that one, or with `only_overdue` whoever has not renewed. Late: nothing, since it waits, or another has it.
function ops.lost()
  if not led() then return -1 end
  local t = call('HMGET', task_key(a.task), 'state', 'outbox', 'pool', 'lease_ms')
  if a.job and get(a.task, 'job') ~= a.job then return 0 end
  if not t[1] or ENDED[t[1]] or t[1] == 'queued' or t[1] == 'ready' then return 0 end
  if a.only_overdue and number(t[4], 0) > now_ms() then return 0 end
  set(a.task, 'lost', a.cause)
  count('lost:' .. a.cause)
  if not t[2] then -- only a loss before the answer stands uses up a try
    if one_more(a.task, 'tries') >= a.max_tries then
      fail(a.task, a.cause)
      return 2
    end
  elseif one_more(a.task, 'redeliveries') >= a.max_redeliveries then
    fail(a.task, a.cause)
    return 2
  end
  local pool = a.pool or t[3]
  if not pool then
    fail(a.task, a.cause)
    return 2
  end
  next_attempt(a.task)
  set(a.task, 'state', 'ready', 'ready_ms', ms(now_ms()), 'pool', pool)
  call('ZREM', P .. 'leases', a.task)
  back_in_line(pool, a.task)
  return 1
end
