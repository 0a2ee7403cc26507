-- What an agent writes: slots, the outbox, the end. Each step is refused for another attempt's number.

-- task, attempt, slot → the id of the slot's message, or 0 after noting that one is about to be reserved. Late: nothing once it is there.
function ops.intent()
  if not owns(a.task, a.attempt) then return -1 end
  local id = get(a.task, 'slot' .. a.slot)
  if number(id) then return number(id) end
  set(a.task, 'intent' .. a.slot, ms(now_ms()))
  return 0
end

-- task, attempt, slot, message_id → 1. Also after a stop or an end of this attempt: the message stands there, and the brain may have to write into
-- it. Late: nothing, since a slot keeps its message until that is known to be gone.
function ops.reserved()
  if get(a.task, 'attempt') ~= tostring(a.attempt) then return -1 end
  if get(a.task, 'gone' .. a.slot) ~= a.message_id then call('HSETNX', task_key(a.task), 'slot' .. a.slot, a.message_id) end
  return owns(a.task, a.attempt) and 1 or -1
end

-- task, attempt, slot, message_id → 1: that message is not there any more. Late: nothing once another is reserved.
function ops.unreserve()
  if not owns(a.task, a.attempt) then return -1 end
  local known = get(a.task, 'slot' .. a.slot)
  if known and (not a.message_id or known == a.message_id) then
    call('HDEL', task_key(a.task), 'slot' .. a.slot)
    set(a.task, 'gone' .. a.slot, known)
  end
  return 1
end

-- task, attempt, turn → 1: what the user's message turned out to say, once the agent has heard or read it. Late: the same again.
function ops.amend()
  if not owns(a.task, a.attempt) then return -1 end
  local key = P .. 'turns:' .. (place_of(a.task) or '')
  for i, raw in ipairs(call('LRANGE', key, 0, -1)) do
    local turn = row(raw)
    if turn and turn.task_id == a.task and turn.speaker == 'user' then call('LSET', key, i - 1, a.turn) end
  end
  return 1
end

-- task, attempt, parts, record, turn → 1: the agent has made one record of the task and its parts; 0 if more has come, or may still come.
-- Late: nothing once another attempt has come; the same again as long as no part has come since.
function ops.grow()
  if not owns(a.task, a.attempt) then return -1 end
  if (get(a.task, 'more_n') or '0') ~= ms(a.parts) or held(a.task) then return 0 end
  joined(a.task, a.parts)
  set(a.task, 'record', a.record)
  return ops.amend()
end

-- task, attempt → 1: first words are about to be shown; 2 if the task has grown, and its model is to be asked again instead. Late:
-- nothing, but that a call which gave 2 counts as the first words once the task is one record, so nothing more is folded into it.
function ops.preview()
  if not owns(a.task, a.attempt) then return -1 end
  if get(a.task, 'more_n') then return 2 end
  if get(a.task, 'state') == 'running' then set(a.task, 'state', 'preview') end
  if not get(a.task, 'first_text_ms') then
    set(a.task, 'first_text_ms', ms(now_ms()))
    observe('first_text', now_ms() - number(get(a.task, 'admitted_ms'), now_ms()))
  end
  return 1
end

-- task, attempt, outbox, run → 1: all parts at once; from here on nobody calls the model again, and Stop comes too late. Late: nothing.
function ops.answered()
  if not owns(a.task, a.attempt) then return -1 end
  if get(a.task, 'outbox') then return 1 end
  set(a.task, 'state', 'answered', 'outbox', a.outbox, 'run', a.run, 'answered_ms', ms(now_ms()), 'delivery', 'pending')
  return 1
end

-- task, attempt, part, status → 1: what is known of one part: `sending` before a file goes out, `done` after. Late: nothing, what is done stays so.
function ops.part()
  if not owns(a.task, a.attempt) then return -1 end
  if get(a.task, 'part' .. a.part) == 'done' then return 1 end
  set(a.task, 'state', 'delivering', 'part' .. a.part, a.status)
  return 1
end

-- Its Job waits for another task, or is on its way out: nobody may count on it then, though its end is heard only in a while.
local function free_job()
  if not (a.pool and a.job) then return end
  local now = ms(now_ms())
  set_job(a.pool, a.job, a.last and 'retired ' .. now or 'waiting ' .. now .. ' ' .. now)
  remember_pool(a.pool)
end

-- task, attempt, delivery, turn, keep, ttl_s, pool, job, last → 1. Late: nothing.
function ops.close()
  if not owns(a.task, a.attempt) then return -1 end
  local t, where = call('HMGET', task_key(a.task), 'generation', 'role'), place_of(a.task) or ''
  set(a.task, 'state', 'closed', 'delivery', a.delivery, 'ended_ms', ms(now_ms()))
  count('delivery:answer:' .. a.delivery)
  if t[1] == (call('HGET', P .. 'chat:' .. where, 'generation') or '0') then
    local key = P .. 'turns:' .. where
    call('RPUSH', key, a.turn)
    call('LTRIM', key, -a.keep, -1)
    call('EXPIRE', key, a.ttl_s)
    set_chat(where, 'last_role', t[2] or '')
  end
  leave(a.task)
  record_run(a.task)
  free_job()
  return 1
end

-- task, attempt, cause, chat_gone, pool, job, last → 1: the agent knows that no other try will help. Late: nothing.
function ops.give_up()
  if not owns(a.task, a.attempt) then return -1 end
  if a.chat_gone then -- nobody can be given an answer, or told
    set(a.task, 'state', 'failed', 'cause', a.cause, 'delivery', 'undeliverable', 'ended_ms', ms(now_ms()))
    count('delivery:answer:undeliverable')
    leave(a.task)
    record_run(a.task)
  else fail(a.task, a.cause) end
  free_job()
  return 1
end

-- task → 1: the cancelled text carries its mark; the brain need not see to it. Late: nothing.
function ops.marked_stopped()
  call('ZREM', P .. 'stopping', a.task)
  return 1
end

-- ---- the brain's own texts

local function notice_key()
  local key = P .. 'notice:' .. a.key
  fix_type(key, 'hash')
  return key
end

-- epoch, key → the id of the message that the text belongs into, 0 after noting that one is about to be reserved, -2 for a text that is told or gone,
-- or that waits a moment for words which make it needless.
-- Late: nothing.
function ops.notice_intent()
  if not led() then return -1 end
  local key = notice_key()
  if call('EXISTS', key) == 0 then return -2 end
  local n = call('HMGET', key, 'message_id', 'slot_of', 'not_before_ms')
  if number(n[3], 0) > now_ms() then return -2 end
  if number(n[1]) then return number(n[1]) end
  if n[2] and n[2] ~= '' then
    fix_type(task_key(n[2]), 'hash')
    local slot = number(get(n[2], 'slot0'))
    if slot then return slot end
  end
  call('HSET', key, 'intent', ms(now_ms()))
  return 0
end

-- epoch, key, message_id, gone → 1: the message is reserved, in place of one that is `gone`. Late: nothing, since it replaces no other.
function ops.notice_reserved()
  if not led() then return -1 end
  local key = notice_key()
  if call('EXISTS', key) == 0 then return 0 end
  local known = call('HGET', key, 'message_id')
  if not known or known == a.gone then call('HSET', key, 'message_id', a.message_id) end
  return 1
end

-- epoch, key, delivery → 1: the text stands in its chat, never can, or cannot be read. Late: nothing.
function ops.notice_done()
  if not led() then return -1 end
  local key = notice_key()
  call('LREM', P .. 'notices', 0, a.key)
  if call('EXISTS', key) == 0 then return 1 end
  local n = call('HMGET', key, 'slot_of', 'kind')
  if n[1] and n[1] ~= '' then
    fix_type(task_key(n[1]), 'hash')
    if get(n[1], 'state') then set(n[1], 'delivery', a.delivery) end
  end
  count('delivery:' .. (n[2] == 'failed' and 'failure' or 'notice') .. ':' .. a.delivery)
  call('DEL', key)
  return 1
end

-- epoch, task → 1: the agent did not mark its text, so the brain does. Late: nothing.
function ops.stop_unheard()
  if not led() then return -1 end
  if call('ZREM', P .. 'stopping', a.task) == 1 and get(a.task, 'slot0') then
    task_notice(a.task, 'stopmark:' .. a.task, 'stopped_mark', { task = a.task }, true)
  end
  return 1
end
