-- Jobs of a pool, and what becomes of runs: the leader reads the agents' news and carries them out.

-- Write a Job's number down before it is created, so that a repeated create is harmless; forget Jobs that are `gone`.
-- Arguments: epoch, pool, name, call (names this call for a minute), gone?
-- Keys: reads epoch; writes job.counter, job.call, pools, agent:jobs
-- Result: the number
-- Late or twice: the same number again; after the minute a Job that is not created, which the pool forgets within seconds.
function ops.new_job()
  if not led() then return -1 end
  for _, job in ipairs(a.gone or {}) do call('HDEL', A .. 'jobs:' .. a.pool, job) end
  local known = call('GET', P .. 'job.call:' .. a.call)
  if known then return tonumber(known) end
  local n = call('INCR', P .. 'job.counter')
  call('SET', P .. 'job.call:' .. a.call, n, 'EX', KEEP_CALL_S)
  set_job(a.pool, a.name .. '-' .. ms(n), 'created ' .. ms(now_ms()))
  remember_pool(a.pool)
  return n
end

-- Write down what became of a task's agent, for the run record. It may be known only after the task's own end.
-- Arguments: task, cause, detail, log_tail
-- Keys: writes task
-- Result: 1; 0 without such a task
-- Late or twice: the same again.
function ops.note_job()
  if call('EXISTS', task_key(a.task)) == 0 then return 0 end
  set(a.task, 'job_cause', a.cause, 'job_detail', a.detail, 'log_tail', a.log_tail)
  return 1
end

-- Forget a Job that has gone.
-- Arguments: pool, job
-- Keys: reads agent:ready; writes pools, agent:jobs, agent:wake
-- Result: 1
-- Late or twice: nothing; a Job that lives all the same checks in again.
function ops.forget_job()
  call('HDEL', A .. 'jobs:' .. a.pool, a.job)
  if call('EXISTS', A .. 'jobs:' .. a.pool, A .. 'ready:' .. a.pool) == 0 then
    call('SREM', P .. 'pools', a.pool)
    call('DEL', A .. 'wake:' .. a.pool)
  end
  return 1
end

-- A task whose agent is gone goes on in another run, before those that have not begun, and behind the steps that are completed.
local function again(id, pool, secret)
  keep_text(id)
  set(id, 'state', 'ready', 'ready_ms', ms(now_ms()))
  if get(id, 'more_n') or not pool or not get(id, 'order') then -- its agent had not seen all of it, or a field was lost: it is routed anew
    end_run(id)
    into_lane(id)
  else new_run(id, pool, secret, true, of_run(run_of(id), 'steps')) end
end

-- What the leader learns of a run that goes on: it was claimed, it has its first words.
local function note_progress(id, run)
  local r = call('HMGET', run_key(run), 'job', 'claimed_ms', 'warm', 'first_text_ms')
  if not r[1] then return end
  local now = now_ms()
  local function at(value) return math.min(number(value, now), now) end -- no agent can put off its deadline
  if get(id, 'state') == 'ready' then
    local claimed_ms = at(r[2])
    set(id, 'state', 'running', 'job', r[1], 'warm', r[3] or '0', 'attempt_ms', ms(claimed_ms))
    if not get(id, 'claimed_ms') then set(id, 'claimed_ms', ms(claimed_ms)) end
    observe('claim:' .. (r[3] == '1' and 'warm' or 'cold'), math.max(0, claimed_ms - number(get(id, 'ready_ms'), claimed_ms)))
    call('DEL', P .. 'episode:wait:' .. (get(id, 'chat') or ''))
    show_task(id)
  end
  if r[4] and get(id, 'state') == 'running' then
    set(id, 'state', 'preview')
    if not get(id, 'first_text_ms') then
      set(id, 'first_text_ms', ms(at(r[4])))
      observe('first_text', math.max(0, at(r[4]) - number(get(id, 'admitted_ms'), now)))
    end
  end
end

local function answered(id, result)
  local where, role = place_of(id) or '', get(id, 'role') or ''
  local ok, usage = pcall(cjson.encode, result.usage) -- it can hold what no JSON can
  set(id, 'state', 'answered', 'run', ok and usage or '{}', 'answered_ms', ms(now_ms()), 'ended_ms', ms(now_ms()), 'delivery', 'pending')
  call('SET', P .. 'answer:' .. id, result.markdown, 'EX', KEEP_TASK_S)
  local run, pictures = run_of(id), P .. 'pictures:' .. id
  if run then move_pictures(pictures_key(run), pictures) end
  fix_type(pictures, 'hash')
  local kept = call('HLEN', pictures)
  if kept > 0 then set(id, 'pictures', kept) end
  if get(id, 'generation') == (call('HGET', P .. 'chat:' .. where, 'generation') or '0') then
    append_turn(where, cjson.encode({ task_id = id, speaker = 'assistant', text = result.markdown, role = role, note = '' }))
    set_chat(where, 'last_role', role)
  end
  show_task(id)
  leave(id)
end

local TIMINGS_MAX_BYTES = 16384
local function timings_of(result)
  local timings = result and result.timings
  if type(timings) == 'string' and #timings <= TIMINGS_MAX_BYTES then return timings end
end

-- A result that cannot be read is an agent's that is taken over, or of a newer release.
local function carried_out(id, result)
  local kind = result and result.kind
  local timings = timings_of(result)
  if a.timings and timings then set(id, 'timings', timings) end
  if kind == 'answered' and type(result.markdown) == 'string' and type(result.usage) == 'table' then answered(id, result)
  elseif get(id, 'alone') and (kind == 'handed_back' or kind == 'put_back') then return -- it is begun again by who began it
  elseif kind == 'handed_back' then
    count('handed_back')
    if one_more(id, 'handbacks') > a.max_handbacks then fail(id, 'agent_lost') else again(id, get(id, 'pool'), a.secret) end
  elseif kind == 'put_back' then
    call('HDEL', task_key(id), 'claimed_ms')
    again(id, get(id, 'pool'), a.secret)
  else fail(id, kind == 'gave_up' and type(result.cause) == 'string' and #result.cause <= 32 and result.cause:match('^[%l_]+$') or 'bad_task') end
end

-- What delivery shows of a task, in the order of TASK_FIELDS in openclaw_core.store.displays.
local SHOWN = { 'state', 'chat', 'chat_kind', 'thread', 'message_id', 'lang', 'answer_lang', 'cause', 'replaced', 'order_n', 'attempt_ms', 'pictures', 'budget', 'slot0', 'slot1', 'part0', 'part1' }

-- Carry out what is in a run: its progress, and its result if there is one.
-- Arguments: epoch, run, secret?, max_handbacks?, timings? (keep what the agent has measured)
-- Keys: reads epoch, files.at, budget.limits, prices; writes task, turns, chat, answer, counts, episode, open, changes, order, lane, ring,
-- ring.members, busy, released, waiting.since, pools, agent:run, agent:ready, agent:wake, agent:leases, agent:pictures, pictures, budget.reserved,
-- notice, spent
-- Result: {what became of it, task, version of its display, 1 if a chat waits for its turn, and where it began or ended: the values of SHOWN up to the last
-- that it has, its Job, its role, what its agent has measured}. 'secret': nothing has happened, since it is given back and its next run needs a secret; 'gone': another run has the task; 'began': its agent was not
-- known before; 'running': it goes on; 'grows': its agent waits for one record of all that was sent; 'ended'
-- Late or twice: what there is of the run by then, and nothing once it was carried out.
function ops.adopt()
  if not led() then return { -1 } end
  local id = task_of(a.run)
  if not id then return { 'gone' } end
  fix_task(id)
  if run_of(id) ~= a.run then
    call('DEL', run_key(a.run))
    return { 'gone' }
  end
  local r, waited = call('HMGET', run_key(a.run), 'result', 'asks', 'said', 'job'), get(id, 'state') == 'ready'
  local result = r[1] and row(r[1])
  if result and (result.kind == 'handed_back' or result.kind == 'put_back') and not a.secret then return { 'secret' } end
  note_progress(id, a.run)
  if r[3] then
    replace_turn(id, cjson.encode({ task_id = id, speaker = 'user', text = r[3], role = '', note = '' }))
    call('HDEL', run_key(a.run), 'said')
  end
  local became = 'ended'
  if not r[1] then became = r[2] and get(id, 'more_n') and 'grows' or waited and 'began' or 'running'
  else carried_out(id, result) end
  local reply = { became, id, call('ZSCORE', P .. 'open', 't:' .. id) or '', call('EXISTS', P .. 'ring') }
  if became ~= 'began' and became ~= 'ended' then return reply end
  local shown = call('HMGET', task_key(id), unpack(SHOWN))
  while #shown > 0 and not shown[#shown] do shown[#shown] = nil end
  reply[5], reply[6], reply[7] = shown, r[4] or '', get(id, 'role') or ''
  reply[8] = timings_of(result) or ''
  return reply
end

-- Give a running task one record of all that was sent; its agent may go on then.
-- Arguments: epoch, run, parts, record, answer_lang?, turn
-- Keys: reads epoch; writes task, turns, agent:run
-- Result: 1; 0 if more has come, or may still come
-- Late or twice: nothing once another run has come; the same again as long as no part has come since.
function ops.regrow()
  if not led() then return -1 end
  local id = task_of(a.run)
  if not id then return 1 end
  fix_task(id)
  if run_of(id) ~= a.run then return 1 end
  if (get(id, 'more_n') or '0') ~= ms(a.parts) or held(id) then return 0 end
  joined(id, a.parts)
  set(id, 'record', a.record, 'answer_lang', a.answer_lang)
  replace_turn(id, a.turn)
  call('HSET', run_key(a.run), 'record', a.record)
  call('HDEL', run_key(a.run), 'more', 'asks', 'steps', 'status') -- the steps were for a part of the question
  return 1
end

-- Try a task again whose owner is gone, or fail it: the owner is `job`, if it still is that one, or with `only_overdue` whoever has not renewed. A run
-- that has its result is left to `adopt`.
-- Arguments: epoch, task, cause, pool?, job?, only_overdue, max_tries, secret
-- Keys: reads epoch, files.at, budget.limits, prices; writes task, turns, answer, counts, episode, open, changes, order, lane, ring, ring.members,
-- busy, released, waiting.since, pools, agent:run, agent:ready, agent:wake, agent:leases, agent:pictures, budget.reserved, notice, spent
-- Result: 1: another try; 2: failed and told; 0: nothing to do
-- Late or twice: nothing, since it waits, or another has it.
function ops.lost()
  if not led() then return -1 end
  local run = run_of(a.task)
  if not run then return 0 end
  local owner = of_run(run, 'job')
  if not owner or (a.job and owner ~= a.job) or of_run(run, 'result') then return 0 end
  if a.only_overdue and number(call('ZSCORE', A .. 'leases', run), 0) > now_ms() then return 0 end
  note_progress(a.task, run)
  set(a.task, 'lost', a.cause)
  count('lost:' .. a.cause)
  local pool = a.pool or get(a.task, 'pool')
  if not pool or one_more(a.task, 'tries') >= a.max_tries then
    fail(a.task, a.cause)
    return 2
  end
  again(a.task, pool, a.secret)
  return 1
end
