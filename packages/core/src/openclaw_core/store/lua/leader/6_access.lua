-- Who may use the bot. `access` has what owners decided in their chat, `access.git` what Git said last and since when. The last one asked decides: a
-- change of Git about somebody removes the bot's entry. A row is version, right, by whom, time in ms.

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
-- Keys: writes access, released, waiting.since, task, lane, ring, ring.members, busy, turns, answer, open, changes, order, agent:run, agent:ready,
-- agent:leases, agent:pictures
function effects.access(e)
  fix_type(P .. 'access', 'hash')
  call('HSET', P .. 'access', e.subject, '1 ' .. e.right .. ' ' .. e.by .. ' ' .. ms(now_ms()))
  if e.right == 'none' then stop_all_of(e.subject) end
end

-- Note what Git says about access. Where that is something else than before, it was asked last: the bot's entry goes. Who is not listed any more is
-- stopped, unless the bot is open to everyone (`*`).
-- Arguments: epoch, rights (by subject)
-- Keys: reads epoch; writes access, access.git, released, waiting.since, task, lane, ring, ring.members, busy, turns, answer, open, changes, order,
-- agent:run, agent:ready, agent:leases, agent:pictures
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
