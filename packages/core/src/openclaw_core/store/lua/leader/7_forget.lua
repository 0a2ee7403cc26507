-- What is kept of a person goes, as they ask: at once what has a name of its own, and step by step the records of finished tasks, which are found by
-- looking at all of them. A row of `forgetting` is version, update of the request, from where on to look (ms), when it was asked (ms), language.
do -- the names of this file end with it: a script may have 200

local FORGET_WITHIN_MS = 900000 -- a chat that cannot be written to must not keep a request for ever

-- Whether somebody has asked this task, before the request. `only`: in that chat.
local function asked_by(id, user, only, update)
  fix_type(task_key(id), 'hash')
  local t = call('HMGET', task_key(id), 'user', 'chat', 'record')
  local before = number(id:match('^u(%d+)'), 0) < update
  local mine = t[1] == user or not t[1] and t[3] and t[3]:find('"user_id":' .. user .. ',', 1, true)
  return before and mine and (not only or here(t[2]) == only)
end

-- Delete a finished task, with what its chat remembers of it. In the private chat of `user` a topic goes as a whole.
local function forget_task(id, user)
  fix_task(id)
  local chat, message = here(get(id, 'chat')) or '', of_record(id, 'message_id') or ''
  local where = place(chat, of_record(id, 'thread_id'))
  for _, raw in ipairs(call('LRANGE', P .. 'turns:' .. where, 0, -1)) do
    local turn = row(raw)
    if turn and turn.task_id == id then call('LREM', P .. 'turns:' .. where, 0, raw) end
  end
  if call('HGET', P .. 'chat:' .. where, 'last_task') == id then call('HDEL', P .. 'chat:' .. where, 'last_task') end
  if chat == user and where ~= chat then call('DEL', P .. 'chat:' .. where, P .. 'turns:' .. where, P .. 'next_role:' .. where) end
  for _, known in ipairs(ids_of(chat)) do call('DEL', P .. 'msg:' .. known .. ':' .. message, P .. 'heard:' .. known .. ':' .. message) end
  call('DEL', P .. 'answer:' .. id, task_key(id))
  if call('DEL', P .. 'pictures:' .. id) == 1 then uncounted(P .. 'pictures:' .. id) end
  call('ZREM', P .. 'ended', id)
end

-- Forget a person: stop what they wait for, and delete what has their name or, everywhere, that of their private chat. The rest is `forget_some`.
-- Arguments: `ForgetUser`
-- Keys: reads moved, prices, budget.limits; writes forgetting, turns, chat, next_role, stop, act, unread, released, waiting.since, task, lane, ring,
-- ring.members, busy, answer, open, changes, order, notice, budget.reserved, spent, agent:run, agent:ready, agent:leases, agent:pictures
function effects.forget_user(e)
  fix_type(P .. 'forgetting', 'hash')
  local only = not e.everywhere and e.chat or nil
  for _, ids in ipairs({ call('SMEMBERS', P .. 'released'), call('ZRANGE', P .. 'waiting.since', 0, -1) }) do
    for _, id in ipairs(ids) do
      if asked_by(id, e.user, only, number(e.update, 0)) then
        fix_task(id)
        cancel(id)
      end
    end
  end
  for _, chat in ipairs(ids_of(e.chat)) do
    local by_person = place(chat, e.thread) .. ':' .. e.user
    call('DEL', P .. 'act:' .. by_person, P .. 'unread:' .. by_person)
  end
  if not only then call('DEL', P .. 'turns:' .. e.chat, P .. 'chat:' .. e.chat, P .. 'next_role:' .. e.chat) end
  -- What was sent before and is handled later begins no more.
  call('SET', P .. 'stop:by:' .. e.user .. (only and ':' .. only or ''), e.update, 'EX', KEEP_STOP_S)
  call('HSET', P .. 'forgetting', e.user .. ' ' .. e.chat .. ' ' .. (only and 'here' or 'everywhere'), '1 ' .. e.update .. ' 0 ' .. ms(now_ms()) .. ' ' .. e.lang)
end

-- Whether a task of theirs has ended and its chat was not shown that yet.
local function unshown(user, only, update)
  for _, display in ipairs(call('ZRANGE', P .. 'open', 0, -1)) do
    local id = display:match('^t:(.+)$')
    if id and asked_by(id, user, only, update) then return true end
  end
  return false
end

-- Look at some more finished tasks for those who are to be forgotten, one person after the other, and delete theirs. After the last one their chat is
-- told.
-- Arguments: epoch, at_most
-- Keys: reads epoch, moved; writes forgetting, ended, open, task, turns, chat, next_role, msg, heard, answer, pictures, notice, changes, order,
-- agent:pictures
-- Result: 1 if there are more to look at now
-- Late or twice: a few more are looked at.
function ops.forget_some()
  if not led() then return -1 end
  fix_type(P .. 'forgetting', 'hash')
  local requests, left = call('HGETALL', P .. 'forgetting'), a.at_most
  for i = 1, #requests, 2 do
    local user, chat, where = requests[i]:match('^(%S+) (%S+) (%S+)$')
    local update, from, asked_ms, lang = requests[i + 1]:match('^%d+ (%d+) (%S+) (%d+) (%S+)')
    update, asked_ms = number(update), number(asked_ms)
    if not (user and update and asked_ms) then call('HDEL', P .. 'forgetting', requests[i])
    else
      chat = here(chat) -- the group may have got another id since
      local only = where == 'here' and chat or nil
      local found = call('ZRANGE', P .. 'ended', from, '+inf', 'BYSCORE', 'LIMIT', 0, a.at_most, 'WITHSCORES')
      local full, last = #found == 2 * a.at_most, found[#found] or from
      if full and last == from then -- all of one millisecond: it is looked at as a whole
        found = call('ZRANGE', P .. 'ended', from, from, 'BYSCORE', 'WITHSCORES')
        last = '(' .. from
      end
      for n = 1, #found, 2 do
        if asked_by(found[n], user, only, update) then forget_task(found[n], user) end
      end
      if not full and (not unshown(user, only, update) or now_ms() - asked_ms > FORGET_WITHIN_MS) then
        call('HDEL', P .. 'forgetting', requests[i])
        add_notice('forgotten:' .. chat .. ':' .. user, { chat = chat, lang = lang, kind = 'forgotten', args = { group = only and 1 or 0 } })
      else call('HSET', P .. 'forgetting', requests[i], '1 ' .. ms(update) .. ' ' .. last .. ' ' .. ms(asked_ms) .. ' ' .. lang) end
      left = left - #found / 2
      if full or left <= 0 then return 1 end -- others in the next step
    end
  end
  return 0
end
end -- of this file
