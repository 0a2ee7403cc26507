-- Delivery: what chats are to see. A display is `t:<task>` or `n:<notice key>`; the sorted set `open` has those that are not shown yet.

local function display_key(display)
  local kind, name = display:match('^([tn]):(.+)$')
  local key = kind == 't' and task_key(name) or P .. 'notice:' .. name
  fix_type(key, 'hash')
  return key, kind == 't' and name
end

-- List displays that have changed since a version; all open ones for 0, and where the number of changes was lost. Those that were put off and are due are
-- among them.
-- Arguments: epoch or alone, since
-- Keys: reads epoch; writes open, later, changes
-- Result: each display, followed by its version
-- Late or twice: those that are due now are open.
function ops.changed()
  if not led() then return { -1 } end
  local since = a.since
  if number(call('GET', P .. 'changes'), 0) < since then
    local newest = call('ZRANGE', P .. 'open', 0, 0, 'REV', 'WITHSCORES')[2] -- may be unread, and newer than what was read
    call('SET', P .. 'changes', ms(math.max(since, number(newest, 0))))
    since = 0
  end
  for _, display in ipairs(call('ZRANGE', P .. 'later', '-inf', now_ms(), 'BYSCORE')) do
    call('ZREM', P .. 'later', display)
    touch(display)
  end
  return call('ZRANGE', P .. 'open', '(' .. ms(since), '+inf', 'BYSCORE', 'WITHSCORES')
end

-- Note the message of a part of a display, in place of one that is `gone`. Also after the end of the task, since the message is there.
-- Arguments: epoch or alone, display, slot, message_id, gone?
-- Keys: reads epoch; writes task, notice
-- Result: 1; 0 if nothing is left of the display
-- Late or twice: nothing, since it replaces no other.
function ops.reserved()
  if not led() then return -1 end
  local key = display_key(a.display)
  if call('EXISTS', key) == 0 then return 0 end
  local known = call('HGET', key, 'slot' .. a.slot)
  if known and known ~= a.gone then return 1 end
  if known then call('HINCRBY', key, 'replaced', 1) end
  call('HSET', key, 'slot' .. a.slot, a.message_id)
  return 1
end

-- Note what is known of a file: `sending` before it goes out, `done` after.
-- Arguments: epoch or alone, display, part, status
-- Keys: reads epoch; writes task, notice
-- Result: 1
-- Late or twice: nothing, what is done stays so.
function ops.part()
  if not led() then return -1 end
  local key = display_key(a.display)
  if call('EXISTS', key) == 0 or call('HGET', key, 'part' .. a.part) == 'done' then return 1 end
  call('HSET', key, 'part' .. a.part, a.status)
  return 1
end

local WORD = { answered = 'answer', failed = 'failure', cancelled = 'stopped' }
local function task_shown(id)
  local state = get(id, 'state')
  if get(id, 'delivery') ~= 'pending' then return end -- a late call of a task alone
  set(id, 'delivery', a.delivery)
  if state == 'answered' then set(id, 'state', 'closed') end
  count('delivery:' .. (WORD[state] or 'answer') .. ':' .. a.delivery)
  record_run(id)
  shrink(id)
  -- The answer is kept for a file that may be asked for again, else until no earlier edit can arrive any more.
  call('EXPIRE', P .. 'answer:' .. id, a.delivery == 'partial' and KEEP_TASK_S or KEEP_TEXT_S)
  if get(id, 'pictures') and a.delivery ~= 'partial' then
    call('EXPIRE', P .. 'pictures:' .. id, KEEP_TEXT_S)
    uncounted(P .. 'pictures:' .. id)
  end
end

-- Note that all of a display is shown, or never can be.
-- Arguments: epoch or alone, display, version, delivery
-- Keys: reads epoch; writes task, notice, answer, chat, open, ended, runs, outcomes, counts, agent:pictures, pictures
-- Result: 1; 0 if it has changed since that version
-- Late or twice: nothing.
function ops.shown()
  if not led() then return -1 end
  local key, id = display_key(a.display)
  if not a.alone then
    local version = number(call('ZSCORE', P .. 'open', a.display))
    if not version then return 1 end
    if version ~= a.version then return 0 end
    call('ZREM', P .. 'open', a.display)
  end
  if call('EXISTS', key) == 0 then return 1 end
  if id then
    if ENDED[get(id, 'state')] and get(id, 'state') ~= 'closed' then task_shown(id) end
    return 1
  end
  count('delivery:notice:' .. a.delivery)
  call('HSET', key, 'told', 1)
  call('EXPIRE', key, KEEP_TEXT_S)
  return 1
end

local KEEP_DOUBT_S = 600

-- Note an edit of unknown fate: the recorded text is put again then. From anybody, also one who leads no more.
-- Arguments: display, due_ms
-- Keys: writes again, task, notice, answer
-- Result: 1
-- Late or twice: the text is put again once more.
function ops.doubt()
  local key, id = display_key(a.display)
  call('ZADD', P .. 'again', 'GT', a.due_ms, a.display)
  call('EXPIRE', P .. 'again', KEEP_DOUBT_S)
  for _, kept in ipairs({ key, id and P .. 'answer:' .. id or key }) do
    local left = call('TTL', kept)
    if left >= 0 and left < KEEP_DOUBT_S then call('EXPIRE', kept, KEEP_DOUBT_S) end
  end
  return 1
end

-- Note that the text was put again after that time.
-- Arguments: epoch or alone, display, due_ms
-- Keys: reads epoch; writes again
-- Result: 1
-- Late or twice: nothing.
function ops.settled()
  if not led() then return -1 end
  if number(call('ZSCORE', P .. 'again', a.display), math.huge) <= a.due_ms then call('ZREM', P .. 'again', a.display) end
  return 1
end

-- ---- one task by itself, outside lanes and pools: its process has all rights, and shows the answer itself

-- Write a task down that its process does by itself. `start` names this call for a minute; the task is that start's from now on, unless it has ended
-- and that was shown.
-- Arguments: task, start, chat, chat_kind, lang, role?, text, record, turn
-- Keys: reads chat; writes task, turns, start.call
-- Result: its state, how far its end was shown, and the turns before it
-- Late or twice: the same, and the task stays whose it is by then.
function ops.begin_alone()
  local state, delivery = get(a.task, 'state'), get(a.task, 'delivery') or ''
  local key = P .. 'turns:' .. a.chat
  if not state then
    local last = call('LINDEX', key, -1)
    local newest = last and row(last)
    if not (newest and newest.speaker == 'user' and newest.text == a.text) then append_turn(a.chat, a.turn) end
    state = 'running'
    set(a.task, 'state', state, 'record', a.record, 'chat', a.chat, 'chat_kind', a.chat_kind, 'lang', a.lang, 'admitted_ms', ms(now_ms()), 'alone', 1, 'role', a.role or '',
      'order_n', 0, 'generation', call('HGET', P .. 'chat:' .. a.chat, 'generation') or '0')
  end
  if (not ENDED[state] or delivery == 'pending') and call('SET', P .. 'start.call:' .. a.start, 1, 'NX', 'EX', KEEP_CALL_S) then set(a.task, 'start', a.start) end
  call('EXPIRE', task_key(a.task), KEEP_TASK_S)
  return { state, delivery, unpack(call('LRANGE', key, 0, -1)) }
end

-- End a task that its process does by itself: the answer, or why there is none.
-- Arguments: task, alone (the start), result
-- Keys: reads files.at, budget.limits, prices; writes task, turns, chat, answer, counts, open, changes, order, lane, ring, ring.members, busy,
-- released, waiting.since, pools, agent:run, agent:ready, agent:wake, agent:leases, agent:pictures, pictures, budget.reserved, notice, spent
-- Result: its state; -1 once another start has the task
-- Late or twice: nothing.
function ops.end_alone()
  if not led() then return -1 end
  local state = get(a.task, 'state')
  if state == 'running' then carried_out(a.task, row(a.result)) end
  return get(a.task, 'state')
end

-- ---- room

-- Delete finished records, the oldest first, which a full server allows.
-- Arguments: epoch, at_most
-- Keys: reads epoch; writes ended, task, answer, pictures
-- Result: how many
-- Late or twice: a few more go.
function ops.make_room()
  if not led() then return -1 end
  local ids = call('ZRANGE', P .. 'ended', 0, a.at_most - 1)
  for _, id in ipairs(ids) do
    call('ZREM', P .. 'ended', id)
    call('DEL', task_key(id), P .. 'answer:' .. id, P .. 'pictures:' .. id)
  end
  return #ids
end
