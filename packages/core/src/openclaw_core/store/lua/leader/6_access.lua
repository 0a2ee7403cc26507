-- Who may use the bot. `access` has what owners decided in their chat, `access.git` what Git said last and since when. The last one asked decides: a
-- change of Git about somebody removes the bot's entry. A row is version, right, by whom, time in ms.
do -- the names of this file end with it: a script may have 200

-- Stop all that waits or runs for a person, or in a group, without access.
local function stop_all_of(subject)
  for _, ids in ipairs({ call('SMEMBERS', P .. 'released'), call('ZRANGE', P .. 'waiting.since', 0, -1) }) do
    for _, id in ipairs(ids) do
      fix_type(task_key(id), 'hash')
      local t = call('HMGET', task_key(id), 'user', 'chat')
      if t[1] == subject or t[2] == subject then
        fix_task(id)
        cancel(id)
      end
    end
  end
end

-- Give access to a person or a group, or take it away, which also stops what waits or runs for them.
-- Arguments: `SetAccess`
-- Keys: reads budget.limits, prices; writes access, released, waiting.since, task, lane, ring, ring.members, busy, turns, answer, open, changes,
-- order, agent:run, agent:ready, agent:leases, agent:pictures, budget.reserved, notice, spent
function effects.access(e)
  fix_type(P .. 'access', 'hash')
  call('HSET', P .. 'access', e.subject, '1 ' .. e.right .. ' ' .. e.by .. ' ' .. ms(now_ms()))
  if e.right == 'none' then stop_all_of(e.subject) end
end

-- Requests of newcomers: version, digest of the code, when (ms), language. Those that have expired go. Gives how many wait.
local PAIRING_S, PAIRINGS_MAX, REFUSED_AGAIN_S = 3600, 3, 86400
local function pairings()
  fix_type(P .. 'pairing', 'hash')
  local waiting = 0
  for _, user in ipairs(call('HKEYS', P .. 'pairing')) do
    local at_ms = number(call('HGET', P .. 'pairing', user):match('^%d+ %S+ (%d+)'), 0)
    if now_ms() - at_ms >= PAIRING_S * 1000 then call('HDEL', P .. 'pairing', user) else waiting = waiting + 1 end
  end
  return waiting
end

-- Tell a newcomer something, once in a time.
local function tell_newcomer(e, kind, args, once, once_s)
  if once and not call('SET', P .. 'told:' .. once, 1, 'NX', 'EX', once_s) then return end
  add_notice(e.key, { chat = e.chat, thread = e.thread, lang = e.lang, reply_to = e.reply_to, kind = kind, args = args })
end

-- Ask the owners to let a newcomer in. While a request waits, its newcomer gets no second one; at most three wait, of all newcomers together.
-- Arguments: `AskPairing`
-- Keys: writes pairing, told, notice, open, changes, order, chat
function effects.pair(e)
  local waiting = pairings()
  if call('HEXISTS', P .. 'pairing', e.user) == 1 then return end
  if call('EXISTS', P .. 'told:' .. 'declined:' .. e.user) == 1 then
    return tell_newcomer(e, 'refused', { user_id = e.user }, 'refused:' .. e.user, REFUSED_AGAIN_S)
  end
  if waiting >= PAIRINGS_MAX then return tell_newcomer(e, 'pair_full', { user = e.user }, 'full:' .. e.user, PAIRING_S) end
  tell_newcomer(e, 'pair_code', { user = e.user, code = e.code })
  for _, owner in ipairs(e.owners) do
    fix_chat(owner)
    local lang = call('HGET', P .. 'chat:' .. owner, 'lang') or e.lang
    add_notice('pair:' .. owner .. ':' .. e.user, { chat = owner, lang = lang, kind = 'pair_request', args = { user = e.user, code = e.code } })
  end
  call('HSET', P .. 'pairing', e.user, '1 ' .. e.digest .. ' ' .. ms(now_ms()) .. ' ' .. e.lang)
  call('EXPIRE', P .. 'pairing', PAIRING_S)
end

-- Decide about a newcomer by an owner's button. A second press, or one after an hour, changes nothing, and its toast says so.
-- Arguments: `DecidePairing`
-- Keys: writes pairing, access, told, notice, open, changes, order, signs
function effects.pair_decide(e)
  pairings()
  fix_type(P .. 'access', 'hash')
  local digest, lang = (call('HGET', P .. 'pairing', e.user) or ''):match('^%d+ (%S+) %d+ (%S+)')
  local toast = 'expired'
  if digest and digest == e.digest then
    call('HDEL', P .. 'pairing', e.user)
    if e.right == 'user' then
      call('HSET', P .. 'access', e.user, '1 user ' .. e.by .. ' ' .. ms(now_ms()))
      add_notice('paired:' .. e.user, { chat = e.user, lang = lang, kind = 'paired' })
      toast = 'given'
    else
      call('SET', P .. 'told:' .. 'declined:' .. e.user, 1, 'EX', REFUSED_AGAIN_S)
      toast = 'declined'
    end
  elseif (call('HGET', P .. 'access', e.user) or ''):match('^%d+ (%S+)') == 'user' then toast = 'already' end
  effects.button({ chat = e.chat, id = e.button, text = e.toasts[toast] })
end

-- Note what Git says about access. Where that is something else than before, it was asked last: the bot's entry goes. Who is not listed any more is
-- stopped, unless the bot is open to everyone (`*`).
-- Arguments: epoch, rights (by subject)
-- Keys: reads epoch, budget.limits, prices; writes access, access.git, released, waiting.since, task, lane, ring, ring.members, busy, turns,
-- answer, open, changes, order, agent:run, agent:ready, agent:leases, agent:pictures, budget.reserved, notice, spent
-- Result: about how many Git has changed
-- Late or twice: nothing, since nothing has changed. A leader of an older release's file is fenced.
function ops.set_access()
  if not led() then return -1 end
  fix_type(P .. 'access', 'hash')
  fix_type(P .. 'access.git', 'hash')
  local changed = 0
  for subject, right in pairs(a.rights) do
    if (call('HGET', P .. 'access.git', subject) or ''):match('^%d+ (%S+)') ~= right then
      call('HSET', P .. 'access.git', subject, '1 ' .. right .. ' git ' .. ms(now_ms()))
      call('HDEL', P .. 'access', subject)
      changed = changed + 1
    end
  end
  for _, subject in ipairs(call('HKEYS', P .. 'access.git')) do
    if not a.rights[subject] then
      call('HDEL', P .. 'access.git', subject)
      call('HDEL', P .. 'access', subject)
      if not a.rights['*'] then stop_all_of(subject) end
      changed = changed + 1
    end
  end
  return changed
end
end -- of this file
