-- Messages that a person sends in one act become one task. Further messages are folded into it until some of its answer is shown. A task is held back
-- for a while if more may come. A further message is an opaque record in the fields `more1`, `more2`, … of the task, `more_n` of them. A message that
-- cannot be read is folded in too; if no task takes it, a notice says so.
-- The leader makes one record of all messages: at the dispatch, and again before an agent writes its first word.
local MAX_PARTS = 100
local ACT_TTL_S = 60

local function held(id)
  return number(get(id, 'not_before_ms'), 0) > now_ms()
end

local function hold(id, e)
  if not e.hold_ms then call('HDEL', task_key(id), 'not_before_ms'); return end
  local latest_ms = number(get(id, 'queued_ms'), 0) + e.hold_at_most_ms
  set(id, 'not_before_ms', ms(math.min(now_ms() + e.hold_ms, latest_ms)))
end

local function recall(id)
  local pool, run = get(id, 'pool'), run_of(id)
  if not pool or not run or call('LREM', A .. 'ready:' .. pool, 0, run) == 0 then return false end
  end_run(id)
  call('HINCRBY', task_key(id), 'attempt', -1) -- nobody made it
  into_lane(id)
  return true
end

-- Whether a task can take one more message: until it is claimed, and then while its agent has written nothing.
local function takes(id)
  if number(get(id, 'more_n') or 0, MAX_PARTS) >= MAX_PARTS then return false end -- as many as can be, or no number
  local state, run = state_of(id), run_of(id)
  if state == 'queued' or (state == 'ready' and get(id, 'attempt') == '1' and recall(id)) then return true end
  if state ~= 'running' or not run or of_run(run, 'result') then return false end
  call('HSET', run_key(run), 'more', '1') -- its agent reads the record again before its first word
  return true
end

-- Whether `e` goes on with the act whose last message was `last`: it is of the same album, or refers to the message just before (a forward, a file), or
-- comes soon after a sign that more is coming. Times are the messages' own, in seconds.
local function goes_on(e, last)
  local apart_s = e.sent_s - last.sent_s
  if e.group and e.group == last.group then return true end
  return apart_s >= 0 and (apart_s <= (e.near_s or -1) or apart_s <= last.open_s)
end

-- Note that the act of `e` is open: `id` is its task.
local function open_act(e, id)
  call('SET', P .. 'act:' .. e.act, table.concat({ id, ms(e.sent_s), ms(e.open_s), e.group }, ' '), 'EX', ACT_TTL_S)
end

-- The task of the act that `e` goes on with, or a dash and the notice about an unreadable message; nil if `e` begins an act.
local function act_of(e)
  if not e.act then return nil end
  fix_type(P .. 'act:' .. e.act, 'string')
  local id, sent_s, open_s, group = (call('GET', P .. 'act:' .. e.act) or ''):match('^(%S+) (%d+) (-?%d+) ?(.*)$')
  if id and goes_on(e, { sent_s = tonumber(sent_s), open_s = tonumber(open_s), group = group }) then return id end
end

local function is_unread(id) return id and id:sub(1, 1) == '-' end

-- Fold `e` into the task `id`; false if it is a task of its own.
local function fold(e, id)
  if not id or is_unread(id) then return false end
  fix_task(id)
  if not takes(id) then return false end
  local n = call('HINCRBY', task_key(id), 'more_n', 1)
  set(id, 'more' .. n, e.record)
  call('SET', P .. 'msg:' .. e.chat .. ':' .. e.message_id, id .. ' ' .. n, 'EX', 172800)
  open_act(e, id)
  hold(id, e)
  return true
end

-- Keep a message that cannot be read for the words that may follow it. Its notice waits a moment after the last such message, unless it is being told or
-- was. A chat has one such notice, so several acts (`acts`) may wait with it.
local function keep_unread(e, id)
  local kept, row = P .. 'unread:' .. e.act, e.message_id .. ' ' .. e.record
  fix_type(kept, 'list')
  local display = 'n:' .. (is_unread(id) and id:sub(2) or e.key)
  local waits = not call('ZSCORE', P .. 'open', display)
  if not is_unread(id) then
    call('DEL', kept)
    add_notice(e.key, e)
    call('HINCRBY', P .. 'notice:' .. e.key, 'acts', 1)
    id = '-' .. e.key
  else waits = call('ZSCORE', P .. 'later', display) end
  if waits then put_off(display, e.wait_ms) end
  call('LREM', kept, 0, row)
  call('RPUSH', kept, row)
  call('LTRIM', kept, -MAX_PARTS, -1)
  call('EXPIRE', kept, ACT_TTL_S)
  open_act(e, id)
end

-- Give the new task of `e` the messages before it that could not be read: its answer says so. Their notice is taken back, unless it is being told.
local function take_unread(e, notice)
  local kept, key = P .. 'unread:' .. e.act, notice:sub(2)
  fix_type(kept, 'list')
  for n, row in ipairs(call('LRANGE', kept, 0, -1)) do
    local message_id, record = row:match('^(%S+) (.*)$')
    set(e.id, 'more' .. n, record, 'more_n', n)
    call('SET', P .. 'msg:' .. e.chat .. ':' .. message_id, e.id .. ' ' .. n, 'EX', 172800)
  end
  call('DEL', kept)
  if call('ZSCORE', P .. 'later', 'n:' .. key) and call('HINCRBY', P .. 'notice:' .. key, 'acts', -1) <= 0 then
    call('ZREM', P .. 'later', 'n:' .. key)
    call('DEL', P .. 'notice:' .. key)
  end
end

-- One record was made of a task and its `n` further messages.
local function joined(id, n)
  call('HDEL', task_key(id), 'more_n', 'not_before_ms')
  for i = 1, n do call('HDEL', task_key(id), 'more' .. i) end
  set(id, 'joined', '1') -- edits cannot find their message in it any more
end
