-- Steps of an agent: check in, claim a run, renew its lease, write its text, end it. They touch keys under `agent:` only. The leader reads the news and
-- adopts what is in the runs.

-- Whether the run is still this agent's: the leader deletes it when the task is stopped, given to another, or ended.
local function mine() return call('HGET', run_key(a.run), 'job') == a.job and call('HEXISTS', run_key(a.run), 'result') == 0 end
local function news(what)
  call('RPUSH', A .. 'news', a.run .. (what or ''))
  call('LTRIM', A .. 'news', -10000, -1) -- with nobody to read them; the next leader looks at every run
  call('EXPIRE', A .. 'news', KEEP_RUN_S)
end
local function lease() call('ZADD', A .. 'leases', now_ms() + a.lease_ms, a.run) end

-- Say that a Job lives and waits.
-- Arguments: pool, job, run? (the last that it claimed)
-- Keys: reads agent:run; writes agent:jobs
-- Result: 1; 0 for a retired Job
-- Late or twice: nothing while the Job has a run; a Job that has gone counts as waiting until it is silent for 15 s.
function ops.check_in()
  local state = job_state(a.pool, a.job)
  if state:sub(1, 7) == 'retired' then return 0 end
  local claimed = state:match('^claimed (.+)$')
  if claimed and (not a.run or mark_of(a.run) ~= claimed or mine()) then return 1 end -- from before the claim, or in the midst of the run
  -- When it was last seen, for who asks whether it lives; and since when it waits, for who asks whether a claim was warm.
  local since = state:match('^waiting %d+ (%d+)') or ms(now_ms())
  set_job(a.pool, a.job, 'waiting ' .. ms(now_ms()) .. ' ' .. since)
  return 1
end

local FIELDS = { 'record', 'order', 'turns', 'attempt', 'steps' }
-- run, record, digest of the order, turns, attempt, completed steps, and the order itself unless the agent has it.
local function claimed(run)
  local fields = call('HMGET', run_key(run), unpack(FIELDS))
  local reply = { run }
  for i = 1, #FIELDS do reply[i + 1] = fields[i] or '' end
  for _, known in ipairs(a.orders or {}) do
    if known == fields[2] then return reply end
  end
  reply[#reply + 1] = fields[2] and call('GET', A .. 'order:' .. fields[2] .. ':z') or ''
  return reply
end

-- Give the Job the next run of its pool.
-- Arguments: pool, job, call (names this call), lease_ms, orders? (digests that the agent has)
-- Keys: reads agent:order; writes agent:ready, agent:run, agent:jobs, agent:leases, agent:news, agent:claim.call
-- Result: the run, as `claimed`; nothing if there is none; 'retired'
-- Late or twice: the same run while the Job has it, else nothing. If the caller never asks again, the lease of the run ends. A Job that has gone with
-- that run counts as waiting until it is silent for 15 s.
function ops.claim()
  local state = job_state(a.pool, a.job)
  if state:sub(1, 7) == 'retired' then return { 'retired' } end
  local known = call('GET', A .. 'claim.call:' .. a.call)
  if known then
    a.run = known
    if not mine() then -- nobody knows of it but this call: without a run the Job waits, unless it has claimed another since
      if state == 'claimed ' .. mark_of(known) then set_job(a.pool, a.job, 'waiting ' .. ms(now_ms()) .. ' ' .. ms(now_ms())) end
      return {}
    end
    lease()
    return claimed(known)
  end
  while true do
    local run = call('LPOP', A .. 'ready:' .. a.pool)
    if not run then return {} end
    if call('HEXISTS', run_key(run), 'record') == 1 and call('HEXISTS', run_key(run), 'job') == 0 then
      a.run = run
      local since = number(state:match('^waiting %d+ (%d+)'), now_ms())
      local warm = number(call('HGET', run_key(run), 'ready_ms'), 0) > since
      call('SET', A .. 'claim.call:' .. a.call, run, 'EX', KEEP_CALL_S)
      set_job(a.pool, a.job, 'claimed ' .. mark_of(run))
      call('HSET', run_key(run), 'job', a.job, 'claimed_ms', ms(now_ms()), 'warm', warm and '1' or '0')
      lease()
      news()
      return claimed(run)
    end
  end
end

-- Prolong the lease of a run.
-- Arguments: run, job, lease_ms
-- Keys: reads agent:run; writes agent:leases
-- Result: 1
-- Late or twice: the lease of a run that still counts ends later.
function ops.renew()
  if not mine() then return -1 end
  lease()
  return 1
end

-- Whether more was sent that belongs to the task; the leader makes one record of it then. `of` is the size of the record that the agent has read:
-- what it says of less than that is late.
local function grows()
  if call('HEXISTS', run_key(a.run), 'more') == 0 then return a.of and a.of ~= #(call('HGET', run_key(a.run), 'record') or '') end
  call('HSET', run_key(a.run), 'asks', '1')
  news()
  return true
end

-- Go on with the text of a run: `piece` follows its first `at` bytes.
-- Arguments: run, job, of? (size of the record that the agent has read), at, piece
-- Keys: writes agent:run, agent:news
-- Result: 1; 0 if another text is there, and all of it has to be sent with `at` 0; 2 if more was sent that belongs to the task, and nothing is written
-- Late or twice: the text is an older one until the next call replaces it.
function ops.write()
  if not mine() then return -1 end
  local first = call('HEXISTS', run_key(a.run), 'first_text_ms') == 0
  if first and grows() then return 2 end
  local text = call('HGET', run_key(a.run), 'text') or ''
  if a.at > #text or (a.at > 0 and a.at ~= #text) then return 0 end
  call('HSET', run_key(a.run), 'text', (a.at > 0 and text or '') .. a.piece)
  if first then call('HSET', run_key(a.run), 'first_text_ms', ms(now_ms())) end
  news(' text') -- nothing is carried out for it: delivery reads the text when it may show it
  return 1
end

-- Say what the agent does for a run while it has no words. What it had written goes: that was no answer.
-- Arguments: run, job, status
-- Keys: writes agent:run, agent:news
-- Result: 1
-- Late or twice: the line is an older one, and a text of the answer goes, until the next call writes it.
function ops.status()
  if not mine() then return -1 end
  call('HSET', run_key(a.run), 'status', a.status)
  if call('HEXISTS', run_key(a.run), 'text') == 1 then call('HSET', run_key(a.run), 'text', '') end
  news(' text')
  return 1
end

-- Keep the completed step `n` of a run, so that an agent that takes the task over goes on behind it.
-- Arguments: run, job, of? (size of the record that the agent has read), n, step
-- Keys: writes agent:run, agent:news
-- Result: 1; 0 if it is not kept, since the step before it is not, or all steps would be larger than STEPS_MAX_BYTES; 2 if more was sent that belongs to
-- the task and nothing was written yet: nothing is kept
-- Late or twice: nothing, since it is there.
function ops.step()
  if not mine() then return -1 end
  if call('HEXISTS', run_key(a.run), 'first_text_ms') == 0 and grows() then return 2 end
  local steps = call('HGET', run_key(a.run), 'steps') or ''
  local _, kept = steps:gsub('\n', '\n')
  if kept >= a.n then return 1 end
  if kept < a.n - 1 or #steps + #a.step + 1 > STEPS_MAX_BYTES then return 0 end
  call('HSET', run_key(a.run), 'steps', steps .. a.step .. '\n')
  return 1
end

-- Keep the pictures of a run for its chat, in place of those that it had.
-- Arguments: run, job, pictures (in base64)
-- Keys: reads agent:run; writes agent:pictures
-- Result: 1; 0 if the pictures of all runs would be larger than PICTURES_MAX_BYTES, and the run has none
-- Late or twice: the run has these until the next call.
function ops.pictures()
  if not mine() then return -1 end
  local key, bytes = pictures_key(a.run), 0
  for _, picture in ipairs(a.pictures) do bytes = bytes + #picture end
  call('ZREMRANGEBYSCORE', A .. 'pictures', '-inf', now_ms())
  local others = uncounted(key)
  call('DEL', key)
  if others + bytes > PICTURES_MAX_BYTES then return 0 end
  for i, picture in ipairs(a.pictures) do call('HSET', key, i - 1, picture) end
  call('EXPIRE', key, KEEP_PICTURES_S)
  counted(key, bytes)
  return 1
end

-- Read a run again, once the leader has made one record of all that was sent.
-- Arguments: run, job, orders? (digests that the agent has)
-- Keys: reads agent:run, agent:order
-- Result: the run, as `claimed`; nothing before
-- Late or twice: nothing; it only reads.
function ops.grown()
  if not mine() then return { -1 } end
  if call('HEXISTS', run_key(a.run), 'more') == 1 then return {} end
  return claimed(a.run)
end

-- Write what the user's message contains, once the agent has transcribed or read it.
-- Arguments: run, job, said
-- Keys: writes agent:run, agent:news
-- Result: 1
-- Late or twice: the same again.
function ops.amend()
  if not mine() then return -1 end
  call('HSET', run_key(a.run), 'said', a.said)
  news()
  return 1
end

-- Hand the result of a run over. The Job waits for another run then, or is retired (`last`), or counts as never started (`never_started`).
-- Arguments: run, job, of? (size of the record that the agent has read), at? (bytes of the text that are there, and `result` goes on after), pool, last,
-- never_started?, answers?, result
-- Keys: writes agent:run, agent:jobs, agent:leases, agent:news
-- Result: 1; 0 if another text is there, and all of it has to be sent without `at`; 2 for an answer if more was sent that belongs to the task and
-- nothing was written yet: nothing has happened
-- Late or twice: nothing.
function ops.finish()
  if not mine() then return -1 end
  local first = call('HEXISTS', run_key(a.run), 'first_text_ms') == 0
  if a.answers and first and grows() then return 2 end
  local result = a.result
  if a.at then
    local text = call('HGET', run_key(a.run), 'text') or ''
    if a.at ~= #text then return 0 end
    result.markdown = text .. result.markdown
  end
  local now = ms(now_ms())
  if a.answers and first then call('HSET', run_key(a.run), 'first_text_ms', now) end
  call('HSET', run_key(a.run), 'result', cjson.encode(result))
  call('ZREM', A .. 'leases', a.run)
  set_job(a.pool, a.job, a.never_started and 'created ' .. now or a.last and 'retired ' .. now or 'waiting ' .. now .. ' ' .. now)
  news()
  return 1
end
