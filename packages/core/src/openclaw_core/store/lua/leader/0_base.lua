-- Functions that the leader's steps share. Their keys are all but those of the agents' area.
-- A key of a wrong type comes from outside. It would break each step that meets it, so it is deleted. Returns whether it was.
local function fix_type(key, kind)
  local found = call('TYPE', key).ok
  if found == kind or found == 'none' then return false end
  call('DEL', key)
  return true
end

local mend -- deletes keys of a wrong type, of the whole bot; in 5_repair
local move_budget, note_spent, note_unreported, settle, tokens_of, waits_for_budget -- in 0_budgets

local function task_key(id) return P .. 'task:' .. id end
local function get(id, field) return call('HGET', task_key(id), field) end
local function set(id, ...) call('HSET', task_key(id), ...) end

-- Counters that survive a restart. Each is raised in the step that does the work; `openclaw_core.store.figures` reads them.
local function add_to(key, field, by)
  if pcall(call, 'HINCRBY', key, field, by) then return end
  fix_type(key, 'hash')
  call('HSET', key, field, by)
end
local function count(field, by) add_to(P .. 'counts', field, ms(by or 1)) end
local BOUNDS_MS = { 50, 100, 150, 300, 600, 1000, 2000, 4000, 8000, 15000, 30000, 60000, 180000, 900000 }
local function observe(field, took_ms)
  local bound = 'inf'
  for _, le in ipairs(BOUNDS_MS) do
    if took_ms <= le then bound = ms(le); break end
  end
  count(field .. ':' .. bound)
  count(field .. ':sum', math.max(0, took_ms))
end

-- The name of a conversation: a topic of a forum has its own; elsewhere, also in the General topic, it is the chat.
local function place(chat, thread) return thread and thread ~= '' and chat .. ':' .. thread or chat end
local function place_of(id)
  local t = call('HMGET', task_key(id), 'chat', 'thread')
  return t[1] and place(t[1], t[2])
end

-- A field of a task's record, as text. Of an ended task it is kept nowhere else.
local function of_record(id, name)
  local record = row(get(id, 'record') or '')
  local value = record and record[name]
  return type(value) == 'number' and ms(value) or type(value) == 'string' and value or nil
end

-- Whether the caller may write: it has the newest epoch. A task that a process does alone has no leader; its newest start owns it.
local function led()
  if not a.alone then return call('GET', P .. 'epoch') == tostring(a.epoch) end
  local id = a.task or (a.display or ''):match('^t:(.+)$')
  return id ~= nil and get(id, 'start') == a.alone
end

local ENDED = { answered = true, closed = true, failed = true, cancelled = true }

local KEEP_TASK_S = 604800 -- 7 days: Retry buttons, /status and the run records refer to ended tasks
local KEEP_CHAT_S = 7776000 -- 90 days
local KEEP_TURNS, KEEP_TURNS_S = 10, 86400 -- of a conversation
local KEEP_WAKE_S = 60 -- an agent looks every 4 s anyway
local KEEP_TEXT_S = 180 -- an edit of unknown fate is put again after 35 s

local function set_chat(chat, ...)
  call('HSET', P .. 'chat:' .. chat, ...)
  call('EXPIRE', P .. 'chat:' .. chat, KEEP_CHAT_S)
end

-- The present id of a chat. A group that became a supergroup has a new id, and its keys are under that one.
local function here(chat)
  return chat and chat:sub(1, 1) == '-' and call('HGET', P .. 'moved', chat) or chat
end

-- All ids that a chat has had, the present one first.
local function ids_of(chat)
  local found = { chat }
  if chat:sub(1, 1) ~= '-' then return found end
  local moved = call('HGETALL', P .. 'moved')
  for i = 1, #moved, 2 do
    if moved[i + 1] == chat then found[#found + 1] = moved[i] end
  end
  return found
end

-- A task's record with its chat's new id. It is changed as text, since cjson would spoil its numbers. A quote within the user's words has a backslash.
local function readdressed(record, from, to)
  local old = '"chat_id":' .. from .. ','
  local at = record:find(old, 1, true)
  return at and record:sub(1, at - 1) .. '"chat_id":' .. to .. ',' .. record:sub(at + #old) or record
end

local CHAT_KEYS = { turns = 'list', lane = 'list', busy = 'string', chat = 'hash', next_role = 'string' }
local function fix_chat(chat)
  for name, kind in pairs(CHAT_KEYS) do fix_type(P .. name .. ':' .. chat, kind) end
end
local function fix_task(id)
  fix_type(task_key(id), 'hash')
  local chat, where, run = get(id, 'chat'), place_of(id), get(id, 'run_id')
  if run then fix_type(run_key(run), 'hash') end
  if chat then fix_chat(chat) end
  if where ~= chat then fix_chat(where) end
end

local function remember_pool(pool)
  call('SADD', P .. 'pools', pool)
  call('EXPIRE', P .. 'pools', KEEP_JOBS_S)
end

local function wake(pool)
  call('RPUSH', A .. 'wake:' .. pool, 1)
  call('LTRIM', A .. 'wake:' .. pool, -1000, -1)
  call('EXPIRE', A .. 'wake:' .. pool, KEEP_WAKE_S)
end

-- A display has changed: `t:<task>` or `n:<notice>`. The number grows with each change.
local touched = false
local function touch(display)
  call('ZADD', P .. 'open', call('INCR', P .. 'changes'), display)
  touched = true
end
-- Show a display later, unless it is taken back before.
local function put_off(display, wait_ms)
  call('ZREM', P .. 'open', display)
  call('ZADD', P .. 'later', now_ms() + wait_ms, display)
end

local function one_more(id, field)
  local n = number(get(id, field), 0) + 1
  set(id, field, ms(n))
  return n
end

-- The run of a task, and one field of it.
local function run_of(id) return get(id, 'run_id') end
local function of_run(run, field) return run and call('HGET', run_key(run), field) end

-- Give pictures another place, as long as before.
local function move_pictures(from, to)
  if call('EXISTS', from) == 0 then return end
  call('RENAME', from, to)
  local _, bytes = uncounted(from)
  counted(to, bytes)
end

-- End the run of a task. Its agent is refused at its next write, or sees it when it looks.
local function end_run(id)
  local run, pool = run_of(id), get(id, 'pool')
  if not run then return end
  note_unreported(id, run)
  if pool then call('LREM', A .. 'ready:' .. pool, 0, run) end
  call('ZREM', A .. 'leases', run)
  call('DEL', run_key(run))
  if call('DEL', pictures_key(run)) == 1 then uncounted(pictures_key(run)) end
  call('HDEL', task_key(id), 'run_id')
end

-- Keep the text of a run that goes: after Stop, what was shown stays.
local function keep_text(id)
  local text = of_run(run_of(id), 'text')
  if text then call('SET', P .. 'answer:' .. id, text, 'EX', KEEP_TASK_S) end
end

-- The state of a task, also where its agent has begun and the leader has not adopted that yet.
local function state_of(id)
  local state, run = get(id, 'state'), run_of(id)
  if state ~= 'ready' and state ~= 'running' or not run then return state end
  local r = call('HMGET', run_key(run), 'job', 'first_text_ms')
  return r[2] and 'preview' or r[1] and 'running' or state
end

-- The task that is out for a chat, or nil. A task that is not released any more does not block its chat.
local function running_in(chat)
  local id = call('GET', P .. 'busy:' .. chat)
  if not id then return nil end
  if call('SISMEMBER', P .. 'released', id) == 1 then return id end
  call('DEL', P .. 'busy:' .. chat)
end

-- Put a chat into the ring if it has waiting tasks and none running. The ring gives chats their turns.
local function next_in_chat(chat)
  if not running_in(chat) and call('LLEN', P .. 'lane:' .. chat) > 0 then
    if call('SADD', P .. 'ring.members', chat) == 1 then call('RPUSH', P .. 'ring', chat) end
  end
end

-- Put a task back at the head of its lane, and its chat at the head of the ring, or at its end with `behind`. It is routed again, with all its words.
local function into_lane(id, behind)
  local t = call('HMGET', task_key(id), 'chat', 'admitted_ms')
  set(id, 'state', 'queued')
  call('SREM', P .. 'released', id)
  if call('GET', P .. 'busy:' .. t[1]) == id then call('DEL', P .. 'busy:' .. t[1]) end
  call('LPUSH', P .. 'lane:' .. t[1], id)
  call('ZADD', P .. 'waiting.since', t[2] or 0, id)
  if call('SADD', P .. 'ring.members', t[1]) == 1 then call(behind and 'RPUSH' or 'LPUSH', P .. 'ring', t[1]) end
end

-- Each end of a task: the lane goes on, the lease ends, what it took is counted, the record expires later.
local function leave(id)
  local chat, steps = get(id, 'chat'), of_run(run_of(id), 'steps')
  end_run(id)
  settle(id, steps)
  call('SREM', P .. 'released', id)
  if chat and call('GET', P .. 'busy:' .. chat) == id then
    call('DEL', P .. 'busy:' .. chat)
    next_in_chat(chat)
  end
  call('EXPIRE', task_key(id), KEEP_TASK_S)
end

local function append_turn(where, turn)
  local key = P .. 'turns:' .. where
  call('RPUSH', key, turn)
  call('LTRIM', key, -KEEP_TURNS, -1)
  call('EXPIRE', key, KEEP_TURNS_S)
end

-- Write what `change` makes of the user's turn of a task. Gives whether it is in the conversation.
local function change_turn(id, change)
  local key, found = P .. 'turns:' .. (place_of(id) or ''), false
  for i, raw in ipairs(call('LRANGE', key, 0, -1)) do
    local turn = row(raw)
    if turn and turn.task_id == id and turn.speaker == 'user' then
      call('LSET', key, i - 1, change(turn))
      found = true
    end
  end
  return found
end
local function replace_turn(id, turn) return change_turn(id, function() return turn end) end
local function note_turn(id, note) change_turn(id, function(turn) turn.note = note; return cjson.encode(turn) end) end

-- Count by role the tokens of an answer, and what a task cost: nothing is known of an answer whose model has no price.
local function count_usage(role, run, micro_usd)
  if run then
    local fresh, cached, answer = tokens_of(run)
    count('tokens:' .. role .. ':prompt', fresh)
    count('tokens:' .. role .. ':cached', cached)
    count('tokens:' .. role .. ':answer', answer)
  end
  if micro_usd then count('cost:' .. role, number(micro_usd, 0))
  elseif run then count('unpriced:' .. role) end
end

local function record_run(id)
  local names = { 'chat', 'run', 'state', 'cause', 'delivery', 'attempt', 'role', 'admitted_ms', 'decision', 'ready_ms', 'claimed_ms', 'job', 'warm', 'lost',
    'queued_ms', 'route_ms', 'route_tokens', 'first_text_ms', 'answered_ms', 'released_ms', 'attempt_ms', 'timings', 'order', 'tokens', 'route_micro_usd', 'search_micro_usd', 'recording_micro_usd', 'lost_micro_usd', 'micro_usd' }
  local fields = call('HMGET', task_key(id), unpack(names))
  local record = { 'task', id, 'ended_ms', ms(now_ms()) }
  for i, name in ipairs(names) do
    if fields[i] and name ~= 'chat' then record[#record + 1] = name; record[#record + 1] = fields[i] end
  end
  local through_ms = get(id, 'ended_ms') -- the end was to be shown since then; it is shown now
  if through_ms then record[#record + 1] = 'through_ms'; record[#record + 1] = through_ms end
  local role = fields[7] and fields[7] ~= '' and fields[7] or 'none'
  local run = fields[2] and row(fields[2])
  count_usage(role, run, fields[#names])
  local admitted_ms = number(fields[8])
  count('role_ended:' .. role .. ':' .. (fields[3] or '?'))
  if fields[3] == 'closed' and admitted_ms then
    observe('answer', now_ms() - admitted_ms)
    observe('role_answer:' .. role, now_ms() - admitted_ms)
  end
  fix_type(P .. 'runs', 'stream')
  local entry = call('XADD', P .. 'runs', 'MAXLEN', '~', 20000, '*', unpack(record))
  local where = place_of(id)
  if where and fields[3] == 'closed' then set_chat(where, 'last_answer', entry) end
  add_to(P .. 'outcomes', (fields[3] or '?') .. ':' .. (fields[4] or ''), 1)
end

-- Keep what an asker lets us know of an answer, beside its row of `runs`.
local function note_feedback(id, kind)
  fix_type(P .. 'feedback', 'stream')
  call('XADD', P .. 'feedback', 'MAXLEN', '~', 20000, '*', 'task', id, 'kind', kind)
  count('feedback:' .. kind)
end

-- Fields that are dropped once the end of a task was shown: its record or the stream `runs` has them too. Retry, edits, buttons and support need the rest
-- for 7 days.
local PASSING = { 'order', 'run_id', 'tries', 'handbacks', 'released_ms', 'queued_ms', 'route_ms', 'route_tokens', 'attempt_ms', 'first_text_ms', 'generation', 'joined',
  'next_role', 'pool', 'order_n', 'replaced', 'warm', 'ready_ms', 'claimed_ms', 'decision', 'run', 'answered_ms', 'admitted_ms', 'attempt', 'not_before_ms', 'timings',
  'role', 'user', 'message_id', 'chat_kind', 'lang', 'answer_lang', 'thread', 'reserved', 'day', 'month', 'spent_tokens', 'spent_micro_usd', 'asked_model',
  'asked_tokens', 'budget_wait', 'tokens', 'micro_usd', 'route_micro_usd', 'search_micro_usd', 'recording_micro_usd', 'lost_micro_usd' }
local function shrink(id)
  local key = task_key(id)
  call('HDEL', key, unpack(PASSING))
  local kept = call('HGETALL', key)
  call('DEL', key) -- a hash that shrinks gives no memory back, a new one is small
  call('HSET', key, unpack(kept))
  call('EXPIRE', key, KEEP_TASK_S)
  call('ZADD', P .. 'ended', now_ms(), id)
end

-- Add a text of the bot's own: one for each thing that a chat should know. While it waits it takes the newest words; after it was told a new one begins.
local function add_notice(key, n)
  local hash = P .. 'notice:' .. key
  fix_type(hash, 'hash')
  if call('HEXISTS', hash, 'told') == 1 then call('DEL', hash) end
  local args = n.args or {}
  if n.kind == 'stopped' then -- a second Stop before the first one was told: the numbers add up
    local before = row(call('HGET', hash, 'args') or '') or {}
    for name, n in pairs(args) do args[name] = n + number(before[name], 0) end
  end
  if call('EXISTS', hash) == 0 then call('HSET', hash, 'order', call('INCR', P .. 'order'), 'at', ms(now_ms())) end
  call('HSET', hash, 'chat', n.chat, 'kind', n.kind, 'args', cjson.encode(args), 'lang', n.lang or 'en', 'thread', n.thread or '', 'reply_to', n.reply_to or '')
  call('EXPIRE', hash, KEEP_TASK_S)
  touch('n:' .. key)
end

-- Show a task from now on: at its claim, and again at its end.
local function show_task(id)
  if get(id, 'alone') then return end -- its own process shows it
  if not get(id, 'order_n') then set(id, 'order_n', call('INCR', P .. 'order')) end
  touch('t:' .. id)
end

local function fail(id, cause)
  set(id, 'state', 'failed', 'cause', cause, 'delivery', 'pending', 'ended_ms', ms(now_ms()))
  note_turn(id, 'failed')
  show_task(id)
  leave(id)
end

local function unqueue(id)
  local chat = get(id, 'chat')
  if chat then call('LREM', P .. 'lane:' .. chat, 0, id) end
  call('ZREM', P .. 'waiting.since', id)
end

-- A task can be ended from outside until its answer is recorded. Gives its state, or nil.
local STOPPABLE = { queued = true, ready = true, running = true, preview = true }
local function stoppable(id)
  local state = state_of(id)
  if not (state and STOPPABLE[state]) then return nil end
  return not of_run(run_of(id), 'result') and state or nil
end

-- Cancel a task in any state before `answered`; the text that was shown is kept. Gives the state before, or nil if it is too late.
local function cancel(id)
  local state = stoppable(id)
  if not state then return nil end
  unqueue(id)
  keep_text(id)
  set(id, 'state', 'cancelled', 'ended_ms', ms(now_ms()), 'delivery', 'pending')
  note_turn(id, 'cancelled')
  show_task(id)
  leave(id)
  return state
end
