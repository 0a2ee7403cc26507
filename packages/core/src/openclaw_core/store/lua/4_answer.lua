-- What an agent writes: slots, the outbox, the end. Each step is refused for another attempt's number.

function ops.intent() -- a message is about to be reserved; gives its id if it is there already
  if not owns(a.task, a.attempt) then return -1 end
  local id = get(a.task, 'slot' .. a.slot)
  if id then return tonumber(id) end
  set(a.task, 'intent' .. a.slot, ms(now_ms()))
  return 0
end

function ops.reserved() -- also after a stop or an end of this attempt: the message stands there, and the brain may have to write into it
  if get(a.task, 'attempt') ~= tostring(a.attempt) then return -1 end
  set(a.task, 'slot' .. a.slot, a.message_id)
  return owns(a.task, a.attempt) and 1 or -1
end

function ops.unreserve() -- the message is not there any more
  if not owns(a.task, a.attempt) then return -1 end
  call('HDEL', task_key(a.task), 'slot' .. a.slot)
  return 1
end

function ops.amend() -- what the user's message turned out to say, once the agent has heard or read it
  if not owns(a.task, a.attempt) then return -1 end
  local key = P .. 'turns:' .. place_of(a.task)
  for i, raw in ipairs(call('LRANGE', key, 0, -1)) do
    local turn = cjson.decode(raw)
    if turn.task_id == a.task and turn.speaker == 'user' then call('LSET', key, i - 1, a.turn) end
  end
  return 1
end

function ops.grow() -- the agent has made one record of the task and its parts; 0 if more has come, or may still come
  if not owns(a.task, a.attempt) then return -1 end
  if (get(a.task, 'more_n') or '0') ~= ms(a.parts) or held(a.task) then return 0 end
  joined(a.task, a.parts)
  set(a.task, 'record', a.record)
  return ops.amend()
end

function ops.preview() -- first words are about to be shown; 2 if the task has grown, and its model is to be asked again instead
  if not owns(a.task, a.attempt) then return -1 end
  if get(a.task, 'more_n') then return 2 end
  if get(a.task, 'state') == 'running' then set(a.task, 'state', 'preview') end
  if not get(a.task, 'first_text_ms') then
    set(a.task, 'first_text_ms', ms(now_ms()))
    observe('first_text', now_ms() - (get(a.task, 'admitted_ms') or now_ms()))
  end
  return 1
end

function ops.answered() -- all parts at once; from here on nobody calls the model again, and Stop comes too late
  if not owns(a.task, a.attempt) then return -1 end
  set(a.task, 'state', 'answered', 'outbox', a.outbox, 'run', a.run, 'answered_ms', ms(now_ms()), 'delivery', 'pending')
  return 1
end

function ops.part() -- what is known of one part: `sending` before a file goes out, `done` after
  if not owns(a.task, a.attempt) then return -1 end
  set(a.task, 'state', 'delivering', 'part' .. a.part, a.status)
  return 1
end

-- Its Job waits for another task, or is on its way out: nobody may count on it then, though its end is heard only in a while.
local function free_job()
  if not (a.pool and a.job) then return end
  local now = ms(now_ms())
  call('HSET', P .. 'jobs:' .. a.pool, a.job, a.last and 'retired ' .. now or 'waiting ' .. now .. ' ' .. now)
end

function ops.close()
  if not owns(a.task, a.attempt) then return -1 end
  local t, where = call('HMGET', task_key(a.task), 'generation', 'role'), place_of(a.task)
  set(a.task, 'state', 'closed', 'delivery', a.delivery, 'ended_ms', ms(now_ms()))
  count('delivery:answer:' .. a.delivery)
  if t[1] == (call('HGET', P .. 'chat:' .. where, 'generation') or '0') then
    local key = P .. 'turns:' .. where
    call('RPUSH', key, a.turn)
    call('LTRIM', key, -a.keep, -1)
    call('EXPIRE', key, a.ttl_s)
    call('HSET', P .. 'chat:' .. where, 'last_role', t[2])
  end
  leave(a.task)
  record_run(a.task)
  free_job()
  return 1
end

function ops.give_up() -- the agent knows that no other try will help
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

function ops.marked_stopped() -- the cancelled text carries its mark; the brain need not see to it
  call('ZREM', P .. 'stopping', a.task)
  return 1
end

-- ---- the brain's own texts

function ops.notice_intent()
  if not led() then return -1 end
  local n = call('HMGET', P .. 'notice:' .. a.key, 'message_id', 'slot_of')
  if n[1] then return tonumber(n[1]) end
  if n[2] and n[2] ~= '' then
    local slot = get(n[2], 'slot0')
    if slot then return tonumber(slot) end
  end
  call('HSET', P .. 'notice:' .. a.key, 'intent', ms(now_ms()))
  return 0
end

function ops.notice_reserved()
  if not led() then return -1 end
  call('HSET', P .. 'notice:' .. a.key, 'message_id', a.message_id)
  return 1
end

function ops.notice_done()
  if not led() then return -1 end
  call('LREM', P .. 'notices', 0, a.key)
  local n = call('HMGET', P .. 'notice:' .. a.key, 'slot_of', 'kind')
  if n[1] and n[1] ~= '' then set(n[1], 'delivery', a.delivery) end
  count('delivery:' .. (n[2] == 'failed' and 'failure' or 'notice') .. ':' .. a.delivery)
  call('DEL', P .. 'notice:' .. a.key)
  return 1
end

function ops.stop_unheard() -- the agent did not mark its text: the brain does
  if not led() then return -1 end
  if call('ZREM', P .. 'stopping', a.task) == 1 and get(a.task, 'slot0') then
    task_notice(a.task, 'stopmark:' .. a.task, 'stopped_mark', { task = a.task }, true)
  end
  return 1
end
