-- One script serves every atomic step: KEYS[1] is the key prefix of this bot, ARGV[1] names the step, ARGV[2] holds its arguments as JSON.
-- Records with users' words pass through as opaque strings; ids of chats are strings, since cjson keeps 14 digits of a number only.
--
-- A call that comes after `by_ms`, by Redis' clock, when its caller has given it up, is refused. That leaves those that were executed, and whose
-- answer was lost; and a clock can be set.
-- Each step says in the comment above it: its arguments, what it gives, and what a late call does. Any call can be executed late, when its
-- caller has given it up, and twice, when the caller asked again. "late: nothing" means that it changes nothing then. Steps of the leader
-- carry `epoch` and give -1 once a newer leader has raised it; steps of an agent carry `task` and `attempt`, and give -1 (or 0) once another
-- attempt, a stop or an end has come in between. The keys are those of docs/data.md.
local P, op, a = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local ops = {}

local function call(...) return redis.call(...) end
local function now_ms()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function ms(n) return string.format('%.0f', n) end
-- A row may have been written by a newer release, or by anybody who knows the password: what cannot be read counts as absent.
local function number(value, otherwise)
  local n = tonumber(value)
  if n and n == n and math.abs(n) < 9e15 then return n end
  return otherwise
end
local function row(raw)
  local ok, value = pcall(cjson.decode, raw)
  if ok and type(value) == 'table' then return value end
end
-- A key of another type was written by nobody of us. It would stop every step that meets it, so it goes.
local function fix_type(key, kind)
  local found = call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then call('DEL', key) end
end

local mend -- all keys of the whole bot, in 6_repair

local function task_key(id) return P .. 'task:' .. id end
local function get(id, field) return call('HGET', task_key(id), field) end
local function set(id, ...) call('HSET', task_key(id), ...) end

-- What must survive a restart is counted here, in the step that does it; `openclaw_core.store.figures` reads it.
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

-- A topic of a forum is a conversation of its own; outside topics, as in the General one, the chat itself is.
local function place(chat, thread) return thread and thread ~= '' and chat .. ':' .. thread or chat end
local function place_of(id)
  local t = call('HMGET', task_key(id), 'chat', 'thread')
  return t[1] and place(t[1], t[2])
end

-- A step of the leader is refused when a newer leader has raised the epoch.
local function led() return call('GET', P .. 'epoch') == tostring(a.epoch) end

-- A step of an agent is refused when another attempt, a stop or an end has come in between.
local ENDED = { closed = true, failed = true, cancelled = true }
local function owns(id, attempt)
  local task = call('HMGET', task_key(id), 'attempt', 'state')
  return task[1] == tostring(attempt) and task[2] and not ENDED[task[2]]
end

local KEEP_TASK_S = 604800 -- 7 days: Retry buttons, /status and the run records refer to ended tasks
local KEEP_CHAT_S = 7776000 -- 90 days
local KEEP_JOBS_S = 604800 -- a pool that nobody writes of for 7 days has no Jobs
local KEEP_WAKE_S = 60 -- an agent looks by itself every 4 s

local function set_chat(chat, ...)
  call('HSET', P .. 'chat:' .. chat, ...)
  call('EXPIRE', P .. 'chat:' .. chat, KEEP_CHAT_S)
end

-- A group that became a supergroup has another id: all that is kept of it stands under the new one.
local function here(chat)
  return chat and chat:sub(1, 1) == '-' and call('HGET', P .. 'moved', chat) or chat
end

-- A task's record with its chat's new id: as text, since cjson would spoil its numbers. A quote within the user's words has a backslash.
local function readdressed(record, from, to)
  local old = '"chat_id":' .. from .. ','
  local at = record:find(old, 1, true)
  return at and record:sub(1, at - 1) .. '"chat_id":' .. to .. ',' .. record:sub(at + #old) or record
end

local CHAT_KEYS = { turns = 'list', lane = 'list', busy = 'string', chat = 'hash', wish = 'string' }
local function fix_chat(chat)
  for name, kind in pairs(CHAT_KEYS) do fix_type(P .. name .. ':' .. chat, kind) end
end
local function fix_task(id)
  fix_type(task_key(id), 'hash')
  local chat, where = get(id, 'chat'), place_of(id)
  if chat then fix_chat(chat) end
  if where ~= chat then fix_chat(where) end
end

local function remember_pool(pool)
  call('SADD', P .. 'pools', pool)
  call('EXPIRE', P .. 'pools', KEEP_JOBS_S)
end

local function set_job(pool, job, state)
  call('HSET', P .. 'jobs:' .. pool, job, state)
  call('EXPIRE', P .. 'jobs:' .. pool, KEEP_JOBS_S)
end

local function wake(pool)
  call('RPUSH', P .. 'wake:' .. pool, 1)
  call('LTRIM', P .. 'wake:' .. pool, -1000, -1)
  call('EXPIRE', P .. 'wake:' .. pool, KEEP_WAKE_S)
end

-- The task that is out for a chat, or nil. One that is not out any more, or of which nothing is left, holds up nobody.
local function running_in(chat)
  local id = call('GET', P .. 'busy:' .. chat)
  if not id then return nil end
  if call('SISMEMBER', P .. 'released', id) == 1 then return id end
  call('DEL', P .. 'busy:' .. chat)
end

-- A chat stands in the ring if it has waiting tasks and none running; the ring is what gives chats their turns.
local function next_in_chat(chat)
  if not running_in(chat) and call('LLEN', P .. 'lane:' .. chat) > 0 then
    if call('SADD', P .. 'ring.members', chat) == 1 then call('RPUSH', P .. 'ring', chat) end
  end
end

-- What every end has in common: the lane goes on, the lease is gone, the record stays for a while.
local function leave(id)
  local chat = get(id, 'chat')
  call('ZREM', P .. 'leases', id)
  call('SREM', P .. 'released', id)
  if chat and call('GET', P .. 'busy:' .. chat) == id then
    call('DEL', P .. 'busy:' .. chat)
    next_in_chat(chat)
  end
  call('EXPIRE', task_key(id), KEEP_TASK_S)
end

local function note_turn(id, note)
  local where = place_of(id)
  if not where then return end
  local key = P .. 'turns:' .. where
  for i, raw in ipairs(call('LRANGE', key, 0, -1)) do
    local turn = row(raw)
    if turn and turn.task_id == id and turn.speaker == 'user' then
      turn.note = note
      call('LSET', key, i - 1, cjson.encode(turn))
    end
  end
end

-- Tokens and cost of an answered run, by role; gives the cost in millionths of a dollar, nil where the model has no price.
local function count_usage(role, run)
  local cached = number(run.cached_tokens, 0)
  local fresh, answer = number(run.prompt_tokens, 0) - cached, number(run.answer_tokens, 0)
  count('tokens:' .. role .. ':prompt', fresh)
  count('tokens:' .. role .. ':cached', cached)
  count('tokens:' .. role .. ':answer', answer)
  fix_type(P .. 'prices', 'hash')
  local price = call('HGET', P .. 'prices', tostring(run.model or '')) or ''
  local per_fresh, per_cached, per_answer = price:match('^(%S+) (%S+) (%S+)$')
  per_fresh, per_cached, per_answer = number(per_fresh), number(per_cached), number(per_answer)
  if not (per_fresh and per_cached and per_answer) then
    count('unpriced:' .. role)
    return nil
  end
  local micro_usd = math.floor(fresh * per_fresh + cached * per_cached + answer * per_answer + 0.5)
  count('cost:' .. role, micro_usd)
  return ms(micro_usd)
end

local function record_run(id)
  local fields = call('HMGET', task_key(id), 'chat', 'run', 'state', 'cause', 'delivery', 'attempt', 'role', 'admitted_ms', 'decision', 'ready_ms', 'claimed_ms', 'job', 'warm', 'lost')
  local names = { 'chat', 'run', 'state', 'cause', 'delivery', 'attempt', 'role', 'admitted_ms', 'decision', 'ready_ms', 'claimed_ms', 'job', 'warm', 'lost' }
  local record = { 'task', id, 'ended_ms', ms(now_ms()) }
  for i, name in ipairs(names) do
    if fields[i] and name ~= 'chat' then record[#record + 1] = name; record[#record + 1] = fields[i] end
  end
  local role = fields[7] and fields[7] ~= '' and fields[7] or 'none'
  local run = fields[2] and row(fields[2])
  local micro_usd = run and count_usage(role, run)
  if micro_usd then record[#record + 1] = 'micro_usd'; record[#record + 1] = micro_usd end
  local admitted_ms = number(fields[8])
  if fields[3] == 'closed' and admitted_ms then observe('answer', now_ms() - admitted_ms) end
  fix_type(P .. 'runs', 'stream')
  call('XADD', P .. 'runs', 'MAXLEN', '~', 20000, '*', unpack(record))
  add_to(P .. 'outcomes', (fields[3] or '?') .. ':' .. (fields[4] or ''), 1)
end

-- A text of the brain's own: kept until it stands in the chat. `slot_of` names the task whose reserved message it is edited into.
local function add_notice(key, n)
  local hash = P .. 'notice:' .. key
  fix_type(hash, 'hash')
  if call('EXISTS', hash) == 1 then return end
  call('RPUSH', P .. 'notices', key) -- first: where this fails nothing has been written, and the step can be had again
  call('HSET', hash, 'chat', n.chat, 'kind', n.kind, 'args', cjson.encode(n.args or {}), 'lang', n.lang or 'en', 'thread', n.thread or '',
    'reply_to', n.reply_to or '', 'slot_of', n.slot_of or '', 'at', ms(now_ms()))
  call('EXPIRE', hash, KEEP_TASK_S)
end

local function task_notice(id, key, kind, args, slot)
  local t = call('HMGET', task_key(id), 'chat', 'lang', 'thread', 'message_id', 'chat_kind')
  if not t[1] then return end
  add_notice(key, { chat = t[1], lang = t[2], thread = t[3], kind = kind, args = args, slot_of = slot and id or '', reply_to = t[5] == 'group' and t[4] or '' })
end

local function fail(id, cause)
  set(id, 'state', 'failed', 'cause', cause, 'delivery', 'pending', 'ended_ms', ms(now_ms()))
  note_turn(id, 'failed')
  task_notice(id, 'fail:' .. id, 'failed', { cause = cause, task = id }, true)
  leave(id)
  record_run(id)
end

local function unqueue(id)
  local chat = get(id, 'chat')
  if chat then call('LREM', P .. 'lane:' .. chat, 0, id) end
  call('ZREM', P .. 'waiting.since', id)
end

-- A task may be ended from outside until its answer stands; one whose answer does may be `ready` again, for the rest of its delivery.
local STOPPABLE = { queued = true, ready = true, running = true, preview = true }
local function stoppable(id)
  local state = get(id, 'state')
  return state and STOPPABLE[state] and not get(id, 'outbox') and state or nil
end

-- Any state before `answered` becomes `cancelled`. Gives the state that it was in, or nil if it is too late.
local function cancel(id)
  local state = stoppable(id)
  if not state then return nil end
  unqueue(id)
  local pool = get(id, 'pool')
  if state == 'ready' and pool then call('LREM', P .. 'ready:' .. pool, 0, id) end
  set(id, 'state', 'cancelled', 'cancelled_ms', ms(now_ms()), 'delivery', 'delivered')
  note_turn(id, 'cancelled')
  if state == 'running' or state == 'preview' then call('ZADD', P .. 'stopping', now_ms(), id) end
  leave(id)
  record_run(id)
  return state
end
