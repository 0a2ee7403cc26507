-- What the release before left. Its tasks carry no run: its agents write into the task itself, and renew `lease_ms` there. Its brain kept the ids that an
-- agent may claim in `ready:<pool>`, and what is to be told in the list `notices`. The release after this one needs none of it.

local HANDED_OVER = { ready = true, running = true, preview = true, delivering = true }
local function of_release_before(id, state)
  if run_of(id) or get(id, 'order') then return false end
  return HANDED_OVER[state] or state == 'answered' and get(id, 'outbox')
end

-- A task goes on here once its agent is silent: an answer that stands is carried out, anything else is routed anew. Late writes of that agent are
-- refused by the attempt.
local function take_over(id)
  local t = call('HMGET', task_key(id), 'state', 'lease_ms', 'outbox', 'run')
  if t[1] ~= 'ready' and number(t[2], 0) > now_ms() then return end
  one_more(id, 'attempt')
  if t[3] then
    local outbox = row(t[3])
    carried_out(id, { kind = 'answered', markdown = outbox and outbox.answer, usage = t[4] and row(t[4]) or {} })
  else set(id, 'state', 'queued') end
end

-- Its run was recorded at its end; what is left is to tell its chat.
local function show_ended(id)
  local state = get(id, 'state')
  if state ~= 'failed' and state ~= 'cancelled' then return false end
  set(id, 'delivery', 'pending', 'recorded', 1)
  show_task(id)
  return true
end

local function take_over_notice(key)
  local hash = P .. 'notice:' .. key
  fix_type(hash, 'hash')
  local n = call('HMGET', hash, 'chat', 'slot_of', 'message_id')
  if not n[1] then return end
  if n[2] and n[2] ~= '' then
    fix_task(n[2])
    if show_ended(n[2]) then call('DEL', hash); return end
  end
  call('HSET', hash, 'order', call('INCR', P .. 'order'))
  if n[3] then call('HSET', hash, 'slot0', n[3]) end
  touch('n:' .. key)
end

local HEARS_STOP_MS = 2000
local function take_over_rest()
  for _, key in ipairs(call('LRANGE', P .. 'notices', 0, -1)) do take_over_notice(key) end
  for _, id in ipairs(call('ZRANGE', P .. 'stopping', '-inf', now_ms() - HEARS_STOP_MS, 'BYSCORE')) do -- their agents have not marked what they had shown
    fix_task(id)
    if get(id, 'slot0') then show_ended(id) end
    call('ZREM', P .. 'stopping', id)
  end
  call('DEL', P .. 'notices')
  for _, pool in ipairs(call('SMEMBERS', P .. 'pools')) do call('DEL', P .. 'ready:' .. pool) end -- each of them is `queued` by now
  call('ZREMRANGEBYSCORE', P .. 'leases', '-inf', now_ms() - KEEP_CALL_S * 1000)
end
