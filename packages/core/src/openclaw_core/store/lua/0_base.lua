-- One script serves every atomic step: KEYS[1] is the key prefix of this bot, ARGV[1] names the step, ARGV[2] holds its arguments as JSON.
-- Records with users' words pass through as opaque strings; ids of chats are strings, since cjson keeps 14 digits of a number only.
local P, op, a = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local ops = {}

local function call(...) return redis.call(...) end
local function now_ms()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function ms(n) return string.format('%.0f', n) end
local function task_key(id) return P .. 'task:' .. id end
local function get(id, field) return call('HGET', task_key(id), field) end
local function set(id, ...) call('HSET', task_key(id), ...) end

-- What must survive a restart is counted here, in the step that does it; `openclaw_core.store.figures` reads it.
local function count(field, by) call('HINCRBY', P .. 'counts', field, ms(by or 1)) end
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

-- A chat stands in the ring if it has waiting tasks and none running; the ring is what gives chats their turns.
local function next_in_chat(chat)
  if call('EXISTS', P .. 'busy:' .. chat) == 0 and call('LLEN', P .. 'lane:' .. chat) > 0 then
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
    local turn = cjson.decode(raw)
    if turn.task_id == id and turn.speaker == 'user' then
      turn.note = note
      call('LSET', key, i - 1, cjson.encode(turn))
    end
  end
end

-- Tokens and cost of an answered run, by role; gives the cost in millionths of a dollar, nil where the model has no price.
local function count_usage(role, run)
  local cached = tonumber(run.cached_tokens) or 0
  local fresh, answer = (tonumber(run.prompt_tokens) or 0) - cached, tonumber(run.answer_tokens) or 0
  count('tokens:' .. role .. ':prompt', fresh)
  count('tokens:' .. role .. ':cached', cached)
  count('tokens:' .. role .. ':answer', answer)
  local price = call('HGET', P .. 'prices', run.model or '')
  if not price then
    count('unpriced:' .. role)
    return nil
  end
  local per_fresh, per_cached, per_answer = price:match('^(%S+) (%S+) (%S+)$')
  local micro_usd = math.floor(fresh * per_fresh + cached * per_cached + answer * per_answer + 0.5)
  count('cost:' .. role, micro_usd)
  return ms(micro_usd)
end

local function record_run(id)
  local fields = call('HMGET', task_key(id), 'chat', 'run', 'state', 'cause', 'delivery', 'attempt', 'role', 'admitted_ms', 'decision', 'ready_ms', 'claimed_ms', 'job', 'warm', 'lost')
  local names = { 'chat', 'run', 'state', 'cause', 'delivery', 'attempt', 'role', 'admitted_ms', 'decision', 'ready_ms', 'claimed_ms', 'job', 'warm', 'lost' }
  local row = { 'task', id, 'ended_ms', ms(now_ms()) }
  for i, name in ipairs(names) do
    if fields[i] and name ~= 'chat' then row[#row + 1] = name; row[#row + 1] = fields[i] end
  end
  local role = fields[7] and fields[7] ~= '' and fields[7] or 'none'
  local micro_usd = fields[2] and count_usage(role, cjson.decode(fields[2]))
  if micro_usd then row[#row + 1] = 'micro_usd'; row[#row + 1] = micro_usd end
  if fields[3] == 'closed' and fields[8] then observe('answer', now_ms() - fields[8]) end
  call('XADD', P .. 'runs', 'MAXLEN', '~', 20000, '*', unpack(row))
  call('HINCRBY', P .. 'outcomes', (fields[3] or '?') .. ':' .. (fields[4] or ''), 1)
end

-- A text of the brain's own: kept until it stands in the chat. `slot_of` names the task whose reserved message it is edited into.
local function add_notice(key, n)
  local hash = P .. 'notice:' .. key
  if call('EXISTS', hash) == 1 then return end
  call('HSET', hash, 'chat', n.chat, 'kind', n.kind, 'args', cjson.encode(n.args or {}), 'lang', n.lang or 'en', 'thread', n.thread or '',
    'reply_to', n.reply_to or '', 'slot_of', n.slot_of or '', 'at', ms(now_ms()))
  call('EXPIRE', hash, KEEP_TASK_S)
  call('RPUSH', P .. 'notices', key)
end

local function task_notice(id, key, kind, args, slot)
  local t = call('HMGET', task_key(id), 'chat', 'lang', 'thread', 'message_id', 'chat_kind')
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
  call('LREM', P .. 'lane:' .. chat, 0, id)
  call('ZREM', P .. 'waiting.since', id)
end

-- Any state before `answered` becomes `cancelled`. Gives the state that it was in, or nil if it is too late.
local STOPPABLE = { queued = true, ready = true, running = true, preview = true }
local function cancel(id)
  local state = get(id, 'state')
  if not state or not STOPPABLE[state] then return nil end
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
