-- The lead, admission and handling: an update comes in once, and has its effects once.

-- Take or keep the lead by a key of our own.
-- Arguments: holder, ttl_ms
-- Keys: writes leader, epoch, epoch.holder
-- Result: the epoch; 0 while another holds the lead
-- Late or twice: prolongs the holder's lead by one ttl, or takes it once more if nobody has it; the leader in between meets the newer epoch, and
-- takes its turn again.
function ops.take_lead()
  local holder = call('GET', P .. 'leader')
  if holder and holder ~= a.holder then return 0 end
  call('SET', P .. 'leader', a.holder, 'PX', a.ttl_ms)
  if holder == a.holder and call('GET', P .. 'epoch.holder') == a.holder then return tonumber(call('GET', P .. 'epoch')) end
  call('SET', P .. 'epoch.holder', a.holder)
  return call('INCR', P .. 'epoch')
end

-- Let another take the lead at once.
-- Arguments: holder
-- Keys: writes leader
-- Result: 1
-- Late or twice: nothing, unless that holder leads again; then another may take the lead.
function ops.give_up_lead()
  if call('GET', P .. 'leader') == a.holder then call('DEL', P .. 'leader') end
  return 1
end

-- Fence older leaders, for a leader by other means than our own key: a Kubernetes Lease.
-- Arguments: holder
-- Keys: writes epoch, epoch.holder
-- Result: the epoch
-- Late or twice: nothing, unless another has led since; that one then raises it again.
function ops.raise_epoch()
  if call('GET', P .. 'epoch.holder') == a.holder then return tonumber(call('GET', P .. 'epoch')) end
  call('SET', P .. 'epoch.holder', a.holder)
  return call('INCR', P .. 'epoch')
end

-- Take a batch of updates: those that are new go to their streams.
-- Arguments: epoch, updates (id, stream, json), dedupe_s, offset?
-- Keys: reads epoch; writes seen, inbox, control, offset, counts
-- Result: {when (ms), the entry of each update, empty for one that was known}
-- Late or twice: nothing, since every id has been seen.
function ops.admit()
  if not led() then return { -1 } end
  local at, fresh, by_stream = ms(now_ms()), 0, {}
  local out = { at }
  for i, u in ipairs(a.updates) do
    out[i + 1] = ''
    if call('EXISTS', P .. 'seen:' .. u.id) == 0 then
      out[i + 1] = call('XADD', P .. u.stream, '*', 'u', u.id, 'j', u.json, 'at', at)
      call('SET', P .. 'seen:' .. u.id, 1, 'EX', a.dedupe_s)
      fresh = fresh + 1
      by_stream[u.stream] = (by_stream[u.stream] or 0) + 1
    end
  end
  for stream, n in pairs(by_stream) do count('admitted:' .. stream, n) end
  if a.offset and (fresh > 0 or #a.updates == 0) then call('SET', P .. 'offset', a.offset) end
  return out
end

-- What handling an update changes, by kind. Each runs once: the step removes the update's entry first, and does nothing without an entry.
local effects = {}
local add_sign, release

-- Whether a task is neither in its lane nor out: its effect was interrupted.
local function in_no_queue(chat, id)
  return call('SISMEMBER', P .. 'released', id) == 0 and not call('LPOS', P .. 'lane:' .. chat, id)
end

-- Whether a Stop, or the asker's `/forget`, came before the question that it meant: commands do not wait behind other updates. A group may have had
-- another id then.
local KEEP_STOP_S = 3600
local function stopped_before(e)
  local update = number(e.id:match('^u(%d+)$'))
  if not update then return false end
  local keys, stop = { P .. 'stop:by:' .. e.user }, 0
  for _, chat in ipairs(ids_of(e.chat)) do
    keys[#keys + 1] = P .. 'stop:' .. place(chat, e.thread)
    keys[#keys + 1] = P .. 'stop:by:' .. e.user .. ':' .. chat
  end
  for _, key in ipairs(keys) do
    fix_type(key, 'string')
    stop = math.max(stop, number(call('GET', key), 0))
  end
  if update >= stop then return false end
  count('stopped_before')
  add_notice('stopped:' .. place(e.chat, e.thread), { chat = e.chat, lang = e.lang, thread = e.thread, kind = 'stopped', args = { stopped = 0, waiting = 1, late = 0 }, reply_to = e.reply_to })
  return true
end

-- Say that a chat, or the whole bot, is full: once until there is room again.
local function say_full(e, chat_full)
  local where = place(e.chat, e.thread)
  if call('EXISTS', P .. 'episode:full:' .. where) == 1 then return end
  add_notice('full:' .. where, { chat = e.chat, lang = e.lang, thread = e.thread, kind = 'full', args = { cap = chat_full and a.chat_cap or nil }, reply_to = e.reply_to })
  call('SET', P .. 'episode:full:' .. where, 1, 'EX', 600)
end

-- Whether a message is dropped: it was not sent to us, and goes on with no message that was.
local function dropped(e, act)
  if not e.only_joins or is_unread(act) then return false end
  e.heard = nil
  return true
end

-- Put a new task into its chat's lane, or fold it into the one that it belongs to.
-- Arguments: `QueueTask`
-- Keys: reads stop, moved, prices; writes task, lane, waiting.since, msg, act, unread, next_role, chat, ring, ring.members, signs, counts, episode, notice,
-- open, later, changes, order, busy, released, agent:run, agent:ready, agent:leases, agent:pictures
function effects.task(e)
  fix_type(task_key(e.id), 'hash')
  if call('EXISTS', task_key(e.id)) == 1 and not (get(e.id, 'state') == 'queued' and in_no_queue(e.chat, e.id)) then return end
  local act = act_of(e)
  if fold(e, act) or dropped(e, act) then return end
  if stopped_before(e) then return end
  local chat_full = call('LLEN', P .. 'lane:' .. e.chat) >= a.chat_cap
  if chat_full or call('ZCARD', P .. 'waiting.since') >= a.total_cap then
    count('refused')
    say_full(e, chat_full)
    return
  end
  set(e.id, 'state', 'queued', 'record', e.record, 'chat', e.chat, 'chat_kind', e.chat_kind, 'lang', e.lang, 'thread', e.thread or '', 'message_id', e.message_id,
    'user', e.user, 'admitted_ms', e.admitted_ms, 'queued_ms', ms(now_ms()), 'attempt', 0)
  local where = place(e.chat, e.thread)
  local next_role = e.op == 'task' and call('GET', P .. 'next_role:' .. where)
  if next_role then -- the role that was chosen for the next message; a message that names its own role uses it up too
    call('DEL', P .. 'next_role:' .. where)
    set(e.id, 'next_role', next_role)
  end
  call('RPUSH', P .. 'lane:' .. e.chat, e.id)
  call('DEL', P .. 'episode:full:' .. where)
  set_chat(where, 'last_task', e.id)
  call('ZADD', P .. 'waiting.since', e.admitted_ms, e.id)
  call('SET', P .. 'msg:' .. e.chat .. ':' .. e.message_id, e.id, 'EX', 172800)
  if is_unread(act) then take_unread(e, act) end
  if e.act then open_act(e, e.id) end
  if e.hold_ms then hold(e.id, e) end
  next_in_chat(e.chat)
  add_sign(e)
end

-- Add a notice, or keep what it speaks of as part of an act.
-- Arguments: `AddNotice`
-- Keys: reads prices; writes notice, told, open, later, changes, order, act, unread, msg, task, lane, waiting.since, ring, ring.members, busy,
-- released, agent:run, agent:ready, agent:leases, agent:pictures
function effects.notice(e)
  local act = act_of(e)
  if fold(e, act) or dropped(e, act) then return end
  if e.act and (e.near_s or e.group or e.open_s >= 0) then return keep_unread(e, act) end
  if e.once and call('EXISTS', P .. 'told:' .. e.once) == 1 then return end
  add_notice(e.key, e) -- first: if this fails nothing is written, and the effect can be tried again
  if e.once then call('SET', P .. 'told:' .. e.once, 1, 'EX', e.once_s) end
end

-- End an act: a command separates what was sent before it and after it.
-- Arguments: `EndAct`
-- Keys: writes act
function effects.end_act(e) call('DEL', P .. 'act:' .. e.act) end

-- Stop by a button. A toast says what happened, and the message is marked. In a group only the person who asked may press; a question that was asked in
-- the name of a chat (a negative id) is everybody's.
local function press_stop(e)
  fix_task(e.task)
  local t = call('HMGET', task_key(e.task), 'chat', 'user', 'state')
  local toast, asker = 'old', t[2] or of_record(e.task, 'user_id')
  if t[1] == e.chat and e.by and asker and asker ~= e.by and asker:sub(1, 1) ~= '-' then toast = 'not_yours'
  elseif t[1] == e.chat then
    if cancel(e.task) or t[3] == 'cancelled' then toast = 'stopped'
    elseif t[3] ~= 'failed' then toast = 'late' end
  end
  effects.button({ chat = e.chat, id = e.button, text = e.toasts[toast] })
end

-- Stop all tasks of a place, or one; by a button, say so in its toast.
-- Arguments: `StopTasks`
-- Keys: reads moved, budget.limits, prices; writes stop, task, lane, waiting.since, ring, ring.members, busy, released, turns, answer, notice,
-- open, changes, order, signs, agent:run, agent:ready, agent:leases, agent:pictures, budget.reserved, spent
function effects.stop(e)
  if e.button then return press_stop(e) end
  local where = place(e.chat, e.thread)
  if e.update then call('SET', P .. 'stop:' .. where, e.update, 'EX', KEEP_STOP_S) end
  local stopped, waiting, late = 0, 0, 0
  local ids = {}
  if e.task then ids[1] = e.task
  else
    local running = running_in(e.chat)
    if running then ids[#ids + 1] = running end
    for _, id in ipairs(call('LRANGE', P .. 'lane:' .. e.chat, 0, -1)) do ids[#ids + 1] = id end
  end
  for _, id in ipairs(ids) do
    fix_task(id)
    local chat = here(get(id, 'chat'))
    local update = number(id:match('^u(%d+)'))
    local meant = not (e.update and update) or update < number(e.update, 0) -- a question that came after the Stop goes on
    if meant and (e.task and chat == e.chat or chat and place(chat, get(id, 'thread')) == where) then
      local state = cancel(id)
      if not state then late = late + 1
      elseif state == 'queued' then waiting = waiting + 1
      else stopped = stopped + 1 end
    end
  end
  e.kind = 'stopped'
  e.args = { stopped = stopped, waiting = waiting, late = late }
  add_notice(e.key, e)
end

-- Ask a finished task again, once: the new id derives from the old one. Of an answer this is feedback.
-- Arguments: `RetryTask`
-- Keys: reads moved; writes feedback, as `task`
function effects.retry(e)
  fix_task(e.task)
  local old = call('HMGET', task_key(e.task), 'state', 'chat', 'record')
  if not old[1] or not e.record or here(old[2]) ~= e.chat or not ENDED[old[1]] then
    e.kind = 'retry_nothing'; add_notice(e.key, e); return
  end
  if call('EXISTS', task_key(e.id)) == 1 then
    e.kind = 'retry_twice'; add_notice(e.key, e); return
  end
  effects.task(e)
  if old[1] == 'closed' and call('EXISTS', task_key(e.id)) == 1 then note_feedback(e.task, 'retry') end
end

-- Note that a message says that the answer before it is wrong. It counts once for an answer: soon after the answer was shown, from who had asked, and
-- with nothing asked between.
-- Arguments: `NoteCorrection`
-- Keys: reads chat, runs; writes task, feedback, counts
function effects.correction(e)
  local last = call('HMGET', P .. 'chat:' .. place(e.chat, e.thread), 'last_answer', 'last_task')
  local shown_ms = number((last[1] or ''):match('^(%d+)%-%d+$'))
  if not shown_ms or now_ms() - shown_ms > e.within_ms then return end
  fix_type(P .. 'runs', 'stream')
  local id = last[2]
  local found = call('XRANGE', P .. 'runs', last[1], last[1])[1]
  if not (id and found and found[2][1] == 'task' and found[2][2] == id) then return end
  fix_type(task_key(id), 'hash')
  if of_record(id, 'user_id') == e.user and call('HSETNX', task_key(id), 'corrected', 1) == 1 then note_feedback(id, 'correction') end
end

local VOTES_MAX = 20 -- of one answer: who presses to and fro fills the stream with nothing

-- Take a press of 👍 or 👎 under an answer: the last one counts. In a group only the person who asked may press, as with Stop.
-- Arguments: `VoteOnAnswer`
-- Keys: reads moved; writes task, feedback, counts, signs
function effects.vote(e)
  fix_type(task_key(e.task), 'hash')
  local t, toast = call('HMGET', task_key(e.task), 'chat', 'state', 'vote', 'votes'), 'old'
  if t[1] and here(t[1]) == e.chat and (t[2] == 'closed' or t[2] == 'answered') then
    local asker = of_record(e.task, 'user_id')
    if e.by and asker and asker ~= e.by and asker:sub(1, 1) ~= '-' then toast = 'not_yours'
    elseif t[3] == e.vote then toast = 'taken'
    elseif number(t[4], 0) < VOTES_MAX then
      set(e.task, 'vote', e.vote, 'votes', ms(number(t[4], 0) + 1))
      note_feedback(e.task, e.vote)
      toast = 'taken'
    end
  end
  effects.button({ chat = e.chat, id = e.button, text = e.toasts[toast] })
end

-- Choose the language of a chat.
-- Arguments: `SetLanguage`
-- Keys: writes chat
function effects.lang(e)
  set_chat(e.chat, 'lang', e.lang)
end

-- Choose the role of the next message.
-- Arguments: `ChooseRole`
-- Keys: writes next_role
function effects.choose(e) call('SET', P .. 'next_role:' .. place(e.chat, e.thread), e.role, 'EX', 600) end

-- Begin the conversation anew.
-- Arguments: `Forget`
-- Keys: reads released, task; writes turns, next_role, chat, busy, agent:run
function effects.forget(e)
  local where = place(e.chat, e.thread)
  call('DEL', P .. 'next_role:' .. where)
  call('DEL', P .. 'turns:' .. where)
  local running = running_in(e.chat)
  if running then fix_task(running) end
  local run = running and place_of(running) == where and run_of(running)
  if run then call('HDEL', run_key(run), 'turns') end -- one that no agent has claimed yet knows nothing of before either
  set_chat(where, 'generation', ms(number(call('HGET', P .. 'chat:' .. where, 'generation'), 0) + 1))
  call('HDEL', P .. 'chat:' .. where, 'last_role')
end

-- Take an edit. The same words get nothing; a message that waits takes the new ones; one that was taken does not.
-- Arguments: `EditMessage`
-- Keys: reads heard, budget.limits, prices; writes msg, task, lane, waiting.since, ring, ring.members, busy, released, turns, answer, notice, open,
-- changes, order, agent:run, agent:ready, agent:leases, agent:pictures, budget.reserved, spent
function effects.edited(e)
  local where = e.chat .. ':' .. e.message_id
  fix_type(P .. 'msg:' .. where, 'string')
  fix_type(P .. 'heard:' .. where, 'string')
  if e.heard and call('GET', P .. 'heard:' .. where) == e.heard then return end
  local id, part = (call('GET', P .. 'msg:' .. where) or ''):match('^(%S+) ?(%d*)$')
  if id then fix_task(id) end
  local state = id and get(id, 'state')
  local new
  for _, fresh in ipairs(e.fresh) do
    if fresh.op == 'task' then new = fresh end -- other effects need no answer of a model
  end
  local waits = state == 'queued' and call('SISMEMBER', P .. 'released', id) == 0 and not get(id, 'joined')
  if waits and new and part ~= '' then
    set(id, 'more' .. part, new.record)
  elseif waits and new then
    set(id, 'record', (new.record:gsub('"id":"[^"]*"', '"id":"' .. id .. '"', 1)), 'lang', new.lang)
  elseif waits and part == '' and not get(id, 'more_n') then -- not if further messages still want an answer
    cancel(id)
  end
  if state and new then
    e.kind = waits and 'edit_taken' or 'edit_late'
    add_notice(e.key, e)
  else -- it asked for nothing before, or now asks for something other than an answer
    for _, fresh in ipairs(e.fresh) do effects[fresh.op](fresh) end
  end
end

-- Reactions, toasts and files that are asked for again. Losing one loses no message, and an old one is of no use.
local KEEP_SIGN_S = 600
local MAX_SIGNS = 20000
local function sign(what)
  what.at = ms(now_ms())
  call('RPUSH', P .. 'signs', cjson.encode(what))
  call('LTRIM', P .. 'signs', -MAX_SIGNS, -1)
  call('EXPIRE', P .. 'signs', KEEP_SIGN_S)
end

-- End a button's spinner, with a toast.
-- Arguments: `AnswerButton`
-- Keys: writes signs
function effects.button(e) sign({ chat = e.chat, button = e.id, text = e.text }) end

-- Send a file whose fate was unknown, since its user asks for it.
-- Arguments: `SendFileAgain`
-- Keys: reads task, answer, moved; writes signs, notice, open, changes, order
function effects.file(e)
  fix_task(e.task)
  local chat = get(e.task, 'chat')
  if here(chat) ~= e.chat or call('EXISTS', P .. 'answer:' .. e.task) == 0 then e.kind = 'file_gone'; add_notice(e.key, e); return end
  local asked_in = of_record(e.task, 'chat_kind') == 'group' and of_record(e.task, 'message_id') or nil
  sign({ chat = e.chat, thread = e.thread, task = e.task, part = e.part, lang = of_record(e.task, 'lang'), message_id = asked_in })
end

add_sign = function(e)
  sign({ chat = e.chat, message_id = e.message_id, thread = e.thread })
end

-- Give an effect its chat's present id, whichever id its update named; also the effects within an edit.
local address
function address(e)
  local sent_to = e.chat
  e.chat = here(sent_to)
  if e.chat then fix_chat(e.chat) end
  if e.chat and e.thread then fix_chat(place(e.chat, e.thread)) end
  if e.record and e.chat ~= sent_to then e.record = readdressed(e.record, sent_to, e.chat) end
  for _, fresh in ipairs(e.fresh or {}) do address(fresh) end
end

-- Carry out what an update changes and remove it from its stream; with `turn`, release tasks as well, as `release` does.
-- Arguments: epoch, stream, entry, effects, chat_cap, total_cap, cap?, max?, turn?
-- Keys: reads epoch, moved; writes inbox, control, heard, as `release`, and those of its effects
-- Result: 1; 0 if the entry is gone; 2 if an effect failed; 3 if there is something to be shown. With `turn`: a list of that and what `release` gives
-- Late or twice: nothing, since the entry is gone.
function ops.handle()
  if not led() then return -1 end
  if call('XDEL', P .. a.stream, a.entry) == 0 then return a.turn and { 0 } or 0 end
  local handled = 1
  for _, e in ipairs(a.effects) do
    address(e)
    if not pcall(effects[e.op], e) then
      mend()
      if not pcall(effects[e.op], e) then handled = 2 end
    end
    if e.heard then call('SET', P .. 'heard:' .. e.chat .. ':' .. e.heard_of, e.heard, 'EX', 172800) end
  end
  if handled == 1 and touched then handled = 3 end
  if not a.turn then return handled end
  local out = release()
  table.insert(out, 1, handled)
  return out
end
