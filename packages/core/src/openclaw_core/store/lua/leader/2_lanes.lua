-- Lanes: which task may go now, what a chat has said, and the hand-over to the pool.

local BUDGET_LOOKS, LOOK_AGAIN_MS = 100, 50 -- so many tasks that wait for a budget are passed by in one step; the next one comes as soon as this

-- Tasks go while there is room; also at the end of the step that handles what was sent. Those that wait for others to end keep no place, and stop no chat
-- behind them.
release = function()
  if a.turn then
    local epoch, turn = (call('GET', P .. 'release.turn') or ''):match('^(%d+) (%d+)$')
    if epoch == tostring(a.epoch) and number(turn, 0) >= a.turn then return {} end
    call('SET', P .. 'release.turn', a.epoch .. ' ' .. ms(a.turn))
  end
  local out, later, due_ms, behind, budget = {}, {}, nil, {}, {}
  while #out < a.max and call('SCARD', P .. 'released') < a.cap do
    local chat = call('LPOP', P .. 'ring')
    if not chat then break end
    fix_chat(chat)
    local id = not running_in(chat) and call('LINDEX', P .. 'lane:' .. chat, 0)
    if id then fix_task(id) end
    if id and held(id) then
      later[#later + 1] = chat
      due_ms = math.min(due_ms or math.huge, number(get(id, 'not_before_ms'), 0))
    elseif id and waits_for_budget(id, budget) then behind[#behind + 1] = chat
    else call('SREM', P .. 'ring.members', chat) end
    if id and later[#later] ~= chat and behind[#behind] ~= chat then
      call('LPOP', P .. 'lane:' .. chat)
      call('ZREM', P .. 'waiting.since', id)
      call('SET', P .. 'busy:' .. chat, id)
      call('SADD', P .. 'released', id)
      if get(id, 'state') then
        set(id, 'released_ms', ms(now_ms()))
        if not get(id, 'generation') then set(id, 'generation', call('HGET', P .. 'chat:' .. (place_of(id) or ''), 'generation') or '0') end
        -- Whoever has just written its record need not read it, where nothing else says how it is to be routed.
        local t = call('HMGET', task_key(id), 'record', 'more_n', 'next_role', 'decision')
        out[#out + 1] = t[1] and not (t[2] or t[3] or t[4]) and id .. ' ' .. #t[1] or id
      else leave(id) end -- nothing is left of it
    end
    if #behind == BUDGET_LOOKS then break end
  end
  for i = #later, 1, -1 do call('LPUSH', P .. 'ring', later[i]) end -- they keep their turns
  for _, chat in ipairs(behind) do call('RPUSH', P .. 'ring', chat) end
  if #behind == BUDGET_LOOKS then due_ms = math.min(due_ms or math.huge, now_ms() + LOOK_AGAIN_MS) end
  if due_ms then out[#out + 1] = 'held ' .. ms(math.max(0, due_ms - now_ms())) end
  return out
end

-- Release tasks while there is room. A chat that got its turn goes back to the end when its task has ended.
-- Arguments: epoch, turn?, cap, max
-- Keys: reads epoch, chat, budget.limits, prices; writes released, busy, lane, waiting.since, ring, ring.members, release.turn, task, agent:run,
-- agent:ready, agent:leases, agent:pictures, budget.reserved, changes, notice, open, order, spent
-- Result: ids that are out now, each followed by a space and the size of its record in bytes where only that says how it is to be routed; at the end
-- `held <ms>` if one waits for what may follow it
-- Late or twice: nothing, once a call with a larger `turn` has been executed. Before that it releases tasks and nobody gets their ids; they are `queued` and
-- released, and `reconcile` and the leader's own look find them.
function ops.release() return led() and release() or { -1 } end

-- The user's turn is once in the chat's memory, as it is now: also where the task has grown, or is routed again. Where `/new` came after the task was
-- released, it is not.
local function remember(id, said)
  local where = place_of(id) or ''
  local turn = cjson.encode({ task_id = id, speaker = 'user', text = said, role = '', note = '' })
  if not replace_turn(id, turn) and get(id, 'generation') == (call('HGET', P .. 'chat:' .. where, 'generation') or '0') then append_turn(where, turn) end
end

-- A run for a task: what an agent needs for its answer, under a name that nobody can guess. `secret` is the leader's; an agent knows its own run only.
-- At the head of the list where the task has waited before.
-- `steps` are those that agents before have completed.
local function new_run(id, pool, secret, head, steps)
  local t, where = call('HMGET', task_key(id), 'record', 'order', 'ready_ms', 'run_id'), place_of(id) or ''
  local run = id .. '.' .. redis.sha1hex(secret .. ':' .. id):sub(1, 32)
  if steps and t[4] then move_pictures(pictures_key(t[4]), pictures_key(run)) end
  end_run(id)
  local turns = {}
  for _, raw in ipairs(call('LRANGE', P .. 'turns:' .. where, 0, -1)) do
    local turn = row(raw)
    if turn and turn.task_id ~= id then turns[#turns + 1] = raw end
  end
  call('HSET', run_key(run), 'record', t[1] or '', 'order', t[2] or '', 'turns', cjson.encode(turns), 'attempt', ms(one_more(id, 'attempt')),
    'ready_ms', t[3] or ms(now_ms()), 'files_at', call('GET', P .. 'files.at') or '')
  if steps and steps ~= '' and #steps <= STEPS_MAX_BYTES then call('HSET', run_key(run), 'steps', steps) end
  call('EXPIRE', run_key(run), KEEP_RUN_S)
  set(id, 'run_id', run, 'pool', pool)
  remember_pool(pool)
  call(head and 'LPUSH' or 'RPUSH', A .. 'ready:' .. pool, run)
  wake(pool)
end

-- Hand a routed task to its pool as a run. Its record is the first `keep` bytes of what is there, and `record`; the user's turn says `said`, or the
-- record's text.
-- Arguments: epoch, task, parts?, record?, keep, of? (bytes that are there), said?, answer_lang, order (digest), pool, role?, decision, route_ms?,
-- route_tokens?, secret, spend? (day, month, tokens? and micro_usd? of routing, recording_micro_usd?, model, asked_tokens), canary?
-- Keys: reads epoch, files.at, prices; writes task, chat, turns, counts, pools, agent:order, agent:run, agent:ready, agent:wake, agent:leases,
-- agent:pictures
-- Result: 1; 0 if it is not queued any more; 2 if it has grown since it was read; 3 if more may be coming; 4 if the order has to be written first
-- Late or twice: nothing.
function ops.dispatch()
  if not led() then return -1 end
  if get(a.task, 'state') ~= 'queued' then return 0 end
  local known, parts, route_ms, route_tokens = get(a.task, 'record') or '', a.parts or 0, a.route_ms or 0, a.route_tokens or 0
  if (get(a.task, 'more_n') or '0') ~= ms(parts) or a.of and #known ~= a.of then return 2 end
  if held(a.task) then return 3 end
  if call('EXPIRE', A .. 'order:' .. a.order .. ':z', KEEP_TASK_S) == 0 then return 4 end
  if parts > 0 then joined(a.task, parts) end
  local record = known:sub(1, a.keep) .. (a.record or '')
  remember(a.task, a.said or (row(record) or {}).text or '')
  set(a.task, 'state', 'ready', 'record', record, 'answer_lang', a.answer_lang, 'order', a.order, 'role', a.role, 'decision', a.decision, 'route_ms', route_ms, 'route_tokens', route_tokens,
    'ready_ms', ms(now_ms()))
  if a.canary then set_chat(place_of(a.task) or '', 'canary:' .. a.role, a.canary) end
  count('routed:' .. a.decision)
  count('routing_tokens', route_tokens)
  if a.spend then -- the day and month that pay for it, what is spent already, and what the first model is asked
    set(a.task, 'day', a.spend.day, 'month', a.spend.month, 'asked_model', a.spend.model, 'asked_tokens', ms(a.spend.asked_tokens))
    local micro_usd, recording = a.spend.micro_usd or 0, a.spend.recording_micro_usd or 0
    note_spent(a.task, a.spend.tokens or 0, micro_usd)
    if micro_usd > 0 then add_to(task_key(a.task), 'route_micro_usd', ms(micro_usd)) end
    -- Not added: a task that is routed once more has the recordings that it had.
    if recording > 0 then set(a.task, 'recording_micro_usd', ms(recording)) end
  end
  new_run(a.task, a.pool, a.secret, false)
  return 1
end

-- Fail a task that has no answer yet: the queue's deadline, a record that nobody can read. `state` and `since` are what was judged.
-- Arguments: epoch, task, cause, state?, since? (when its attempt began)
-- Keys: reads epoch, budget.limits, prices; writes task, lane, waiting.since, ring, ring.members, busy, released, turns, open, changes, order,
-- agent:run, agent:ready, agent:leases, agent:pictures, budget.reserved, notice, spent
-- Result: 1 if it has failed by this, else 0
-- Late or twice: nothing, since it has ended or is further.
function ops.fail_task()
  if not led() then return -1 end
  local state = stoppable(a.task)
  if not state or (a.state and a.state ~= state) or (a.since and a.since ~= get(a.task, 'attempt_ms')) then return 0 end
  unqueue(a.task)
  fail(a.task, a.cause)
  return 1
end

-- Tell chats that they wait, and why: each cause once for an episode, which ends when one of their tasks is claimed.
-- Arguments: epoch, tasks, cause
-- Keys: reads epoch, released, task, agent:run; writes episode, notice, open, changes, order, busy
-- Result: how many chats are told
-- Late or twice: nothing, or what is true all the same: one of them waits again.
function ops.tell_waiting()
  if not led() then return -1 end
  local told = 0
  for _, id in ipairs(a.tasks) do
    fix_task(id)
    local t = call('HMGET', task_key(id), 'chat', 'lang', 'thread', 'message_id', 'chat_kind')
    local state, before = state_of(id), t[1] and running_in(t[1])
    local out = before and before ~= id and state_of(before)
    -- A task behind one of its own chat that an agent has waits for that one.
    if t[1] and (state == 'ready' or state == 'queued' and out ~= 'running' and out ~= 'preview') then
      local episode = P .. 'episode:wait:' .. t[1]
      local causes = call('GET', episode) or ''
      if not (' ' .. causes .. ' '):find(' ' .. a.cause .. ' ', 1, true) then
        add_notice('wait:' .. t[1], { chat = t[1], lang = t[2], thread = t[3], kind = 'pool_wait', args = { cause = a.cause }, reply_to = t[5] == 'group' and t[4] or '' })
        causes = causes .. ' ' .. a.cause
        told = told + 1
      end
      call('SET', episode, causes, 'EX', 900)
    end
  end
  return told
end

-- Keep what is known of the newest prompt that a role tries.
-- Arguments: epoch, role, entry (JSON)
-- Keys: reads epoch; writes canaries
-- Result: 1
-- Late or twice: nothing, until a newer leader keeps another.
function ops.keep_canary()
  if not led() then return -1 end
  fix_type(P .. 'canaries', 'hash')
  call('HSET', P .. 'canaries', a.role, a.entry)
  return 1
end

-- Say where agents find the files of their runs, also of those that the leader before has handed over.
-- Arguments: epoch, address
-- Keys: reads epoch, released, task; writes files.at, agent:run
-- Result: 1
-- Late or twice: nothing, each leader sets it once.
function ops.set_files_at()
  if not led() then return -1 end
  call('SET', P .. 'files.at', a.address)
  for _, id in ipairs(call('SMEMBERS', P .. 'released')) do
    fix_task(id)
    local run = run_of(id)
    if run then fix_type(run_key(run), 'hash') end
    if of_run(run, 'record') then call('HSET', run_key(run), 'files_at', a.address) end
  end
  return 1
end

-- Price the runs that end from now on.
-- Arguments: epoch, prices (by model)
-- Keys: reads epoch; writes prices
-- Result: 1
-- Late or twice: nothing, each leader sets them once.
function ops.set_prices()
  if not led() then return -1 end
  call('DEL', P .. 'prices')
  for model, price in pairs(a.prices) do call('HSET', P .. 'prices', model, price) end
  return 1
end

-- Move unclaimed runs to another pool, since the pool's hash has changed.
-- Arguments: epoch, from, to, ids (of runs)
-- Keys: reads epoch, agent:jobs; writes task, pools, agent:ready, agent:wake
-- Result: how many
-- Late or twice: nothing, they have gone.
function ops.move_ready()
  if not led() then return -1 end
  local moved = 0
  for _, id in ipairs(a.ids) do
    if call('LREM', A .. 'ready:' .. a.from, 0, id) > 0 then
      local task = task_of(id)
      if task and run_of(task) == id then set(task, 'pool', a.to) end
      call('RPUSH', A .. 'ready:' .. a.to, id)
      wake(a.to)
      moved = moved + 1
    end
  end
  if moved > 0 then remember_pool(a.to) end
  if call('EXISTS', A .. 'jobs:' .. a.from, A .. 'ready:' .. a.from) == 0 then
    call('SREM', P .. 'pools', a.from)
    call('DEL', A .. 'wake:' .. a.from)
  end
  return moved
end
