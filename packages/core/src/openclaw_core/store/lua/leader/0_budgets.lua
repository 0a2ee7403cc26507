-- Budgets: what each user, each chat and all together have spent in the present day and month, what is reserved for tasks that are out, and the limits.
-- A hash `spent:…` holds for each period its name, and its tokens and money (millionths of a dollar). A newer name begins a new period at 0.
-- A reservation is `<task> <user> <chat> <tokens> <micro_usd>`. It goes at the end of its task, or by itself, should that be lost.
do -- the names of this file end with it: a script may have 200
local KEEP_SPENT_S = 3456000 -- 40 days: longer than a month
local KEEP_RESERVED_S = 7200 -- longer than a task is out; one that is out longer is counted at its end all the same
local NEARLY = 0.8 -- from this share of a limit on its user or chat is told, once in a period
local SEARCH = 'web_search'
local OTHERS_MAX = 16 -- models of one run beside the one that answered
-- An agent says what its run took. One that is taken over must not use up a month's budget of others: more than this is not believed, nor more than four
-- times what was reserved, which is the most that an answer can take by our own estimate.
local MOST, ESTIMATES = { tokens = 5000000, micro_usd = 20000000 }, 4
local PERIODS, UNITS = { 'day', 'month' }, { 'tokens', 'micro_usd' }

-- The keys of those who pay for a task.
local function payers(user, chat)
  return { { scope = 'user', key = P .. 'spent:user:' .. user }, { scope = 'chat', key = P .. 'spent:chat:' .. chat }, { scope = 'all', key = P .. 'spent:all' } }
end

-- What a payer has spent in the period that is named `now`.
local function spent_in(key, period, now, unit)
  local known = call('HMGET', key, period, period .. '_' .. unit)
  return known[1] == now and number(known[2], 0) or 0
end

local function add_spent(key, names, by)
  fix_type(key, 'hash')
  for _, period in ipairs(PERIODS) do
    local known, now = call('HGET', key, period) or '', names[period]
    if known < now or not known:match('^%d%d%d%d%-') then
      call('HSET', key, period, now, period .. '_tokens', 0, period .. '_micro_usd', 0)
      call('HDEL', key, period .. '_told')
      known = now
    end
    if known == now then -- what ends after its period has gone is not carried over
      for _, unit in ipairs(UNITS) do add_to(key, period .. '_' .. unit, ms(by[unit])) end
    end
  end
  call('EXPIRE', key, KEEP_SPENT_S)
end

local function limits()
  fix_type(P .. 'budget.limits', 'hash')
  local found, rows = {}, call('HGETALL', P .. 'budget.limits')
  for i = 1, #rows, 2 do found[rows[i]] = number(rows[i + 1]) end
  return found
end

-- Add what is reserved for a task to the sums of those who pay for it, by their keys.
local function add_reserved(sums, user, chat, tokens, micro_usd)
  for _, payer in ipairs(payers(user, chat)) do
    local sum = sums[payer.key] or { tokens = 0, micro_usd = 0 }
    sums[payer.key] = { tokens = sum.tokens + tokens, micro_usd = sum.micro_usd + micro_usd }
  end
end

-- What other tasks than `id` have reserved, by the keys of those who pay.
local function reserved_sums(id)
  local sums = {}
  call('ZREMRANGEBYSCORE', P .. 'budget.reserved', '-inf', now_ms())
  for _, entry in ipairs(call('ZRANGE', P .. 'budget.reserved', 0, -1)) do
    local task, user, chat, tokens, micro_usd = entry:match('^(%S+) (%S+) (%S+) (%d+) (%d+)$')
    if task and task ~= id then add_reserved(sums, user, chat, tokens, micro_usd) end
  end
  return sums
end

-- Money of tokens by the price of their model, in millionths of a dollar; nil for a model without a price.
local function cost_of(model, fresh, cached, answer)
  fix_type(P .. 'prices', 'hash')
  local price = call('HGET', P .. 'prices', tostring(model or '')) or ''
  local per_fresh, per_cached, per_answer = price:match('^(%S+) (%S+) (%S+)$')
  per_fresh, per_cached, per_answer = number(per_fresh), number(per_cached), number(per_answer)
  if not (per_fresh and per_cached and per_answer) then return nil end
  return math.floor(fresh * per_fresh + cached * per_cached + answer * per_answer + 0.5)
end

-- The tokens of a run, or of one of its models, as its server has counted them: not cached, cached, of the answer. None is negative, whatever an agent says.
tokens_of = function(usage)
  local cached, answer = math.max(0, number(usage.cached_tokens, 0)), math.max(0, number(usage.answer_tokens, 0))
  return math.max(0, number(usage.prompt_tokens, 0) - cached), cached, answer
end

-- Tokens and money of what a model has taken.
local function taken(model, usage)
  local fresh, cached, answer = tokens_of(usage)
  return fresh + cached + answer, cost_of(model, fresh, cached, answer) or 0
end

-- Money of what all models of a run have taken, each at its own price, in millionths of a dollar; and whether all have a price.
local function cost_of_run(run)
  local fresh, cached, answer = tokens_of(run)
  local sum, priced = 0, true
  local function add(model, f, c, a)
    local cost = cost_of(model, f, c, a)
    sum, priced = sum + (cost or 0), priced and cost ~= nil
  end
  for i, other in ipairs(type(run.others) == 'table' and run.others or {}) do
    if i > OTHERS_MAX or type(other) ~= 'table' then break end
    local f, c, a = tokens_of(other)
    add(other.model, f, c, a)
    fresh, cached, answer = math.max(0, fresh - f), math.max(0, cached - c), math.max(0, answer - a)
  end
  add(run.model, fresh, cached, answer)
  return sum, priced
end

note_spent = function(id, tokens, micro_usd)
  add_to(task_key(id), 'spent_tokens', ms(tokens))
  add_to(task_key(id), 'spent_micro_usd', ms(micro_usd))
end

-- An attempt that ends without a result has taken tokens that no server has told us: those of its question, and of the text that came.
note_unreported = function(id, run)
  local asked = call('HMGET', task_key(id), 'asked_model', 'asked_tokens', 'state')
  local text = #(of_run(run, 'text') or '')
  if asked[3] == 'answered' or not asked[1] or text == 0 then return end
  note_spent(id, taken(asked[1], { prompt_tokens = asked[2], answer_tokens = math.ceil(text / 3) }))
end

local function searches(calls, name)
  local n = 0
  for _, one in ipairs(type(calls) == 'table' and calls or {}) do
    if type(one) == 'table' and one[name] == SEARCH then n = n + 1 end
  end
  return n
end

-- What an answer has taken, and apart what its searches cost; of an attempt without an answer, what its completed steps have. And whether all models of
-- the answer have a price.
local function spent_by_run(run, steps)
  local tokens, micro_usd, n, priced = 0, 0, 0, true
  local function add(model, usage)
    local more, cost = taken(model, usage)
    tokens, micro_usd = tokens + more, micro_usd + cost
  end
  if run then
    local fresh, cached, answer = tokens_of(run)
    tokens = fresh + cached + answer
    micro_usd, priced = cost_of_run(run)
    for _, step in ipairs(type(run.steps) == 'table' and run.steps or {}) do n = n + searches(step.calls, 'tool') end
  else
    for line in (steps or ''):gmatch('[^\n]+') do
      local step = row(line) or {}
      if type(step.usage) == 'table' then add(step.model, step.usage) end
      n = n + searches(step.calls, 'name')
    end
  end
  return tokens, micro_usd, math.floor(n * number(call('HGET', P .. 'prices', 'tool:' .. SEARCH), 0) + 0.5), priced
end

-- Tell a user and a chat, once in a period, that they have nearly spent what they may.
local function tell_nearly(id, names, found)
  local t = call('HMGET', task_key(id), 'user', 'chat', 'thread', 'lang', 'message_id', 'chat_kind')
  for _, payer in ipairs(payers(t[1], t[2])) do
    for _, period in ipairs(PERIODS) do
      local share = 0
      for _, unit in ipairs(UNITS) do
        local limit = found[payer.scope .. ':' .. period .. ':' .. unit]
        if limit and limit > 0 then share = math.max(share, spent_in(payer.key, period, names[period], unit) / limit) end
      end
      if payer.scope ~= 'all' and share >= NEARLY and call('HSETNX', payer.key, period .. '_told', 1) == 1 then
        local percent = math.min(100, math.floor(share * 100))
        add_notice('budget:' .. place(t[2], t[3]), { chat = t[2], lang = t[4], thread = t[3], kind = 'budget_nearly',
          args = { scope = payer.scope, period = period, percent = percent }, reply_to = t[6] == 'group' and t[5] or '' })
      end
    end
  end
end

local function believed(by, reserved)
  local tokens, micro_usd = (reserved or ''):match(' (%d+) (%d+)$')
  return { tokens = math.min(by.tokens, tokens and tokens * ESTIMATES or MOST.tokens), micro_usd = math.min(by.micro_usd, micro_usd and micro_usd * ESTIMATES or MOST.micro_usd) }
end

-- Write down what a task has cost, for its run record: `tokens` and `micro_usd` are all of it, as its budgets count it, and the others are parts of the
-- money; the rest is that of the answer. An answer of a model without a price has no cost.
local function note_cost(id, by, parts, priced)
  local fields = { 'tokens', ms(by.tokens) }
  if priced then fields[#fields + 1] = 'micro_usd'; fields[#fields + 1] = ms(by.micro_usd) end
  for name, micro_usd in pairs(parts) do
    if micro_usd > 0 then fields[#fields + 1] = name .. '_micro_usd'; fields[#fields + 1] = ms(math.min(micro_usd, by.micro_usd)) end
  end
  set(id, unpack(fields))
end

-- Release what is reserved for a task that ends, and count what it has taken. `steps` are those of its last run.
settle = function(id, steps)
  local t = call('HMGET', task_key(id), 'reserved', 'day', 'month', 'user', 'chat', 'state', 'run', 'spent_tokens', 'spent_micro_usd', 'route_micro_usd',
    'recording_micro_usd', 'tokens')
  if t[1] then call('ZREM', P .. 'budget.reserved', t[1]) end
  call('HDEL', task_key(id), 'reserved', 'day', 'month')
  if not t[6] or t[12] then return end -- nothing is left of it, or it was counted before
  local answer = t[6] == 'answered' and row(t[7] or '') or nil
  local tokens, micro_usd, search, priced = spent_by_run(answer, steps)
  local route, recording = number(t[10], 0), number(t[11], 0)
  local lost = math.max(0, number(t[9], 0) - route)
  local by = believed({ tokens = tokens + number(t[8], 0), micro_usd = micro_usd + search + route + recording + lost }, t[1])
  note_cost(id, by, { route = route, recording = recording, search = search, lost = lost + (answer and 0 or micro_usd) }, priced and (answer or by.micro_usd > 0))
  if not (t[2] and t[3] and t[4] and t[5]) then return end
  local names = { day = t[2], month = t[3] }
  for _, payer in ipairs(payers(t[4], t[5])) do add_spent(payer.key, names, by) end
  local found = limits()
  if next(found) then tell_nearly(id, names, found) end
end

-- The limit that a task's payers have reached, the one that counts longest: its scope and period. And whether they would reach one if all that is
-- reserved was spent; and by unit how much is left of the limits besides that. `names` are those of the day and the month, `found` the limits, `sums`
-- what others have reserved.
local function limit_reached(user, chat, names, found, sums)
  local full, waits, room = nil, false, {}
  for _, period in ipairs(PERIODS) do
    for _, payer in ipairs(payers(user, chat)) do
      local reserved = sums[payer.key] or {}
      fix_type(payer.key, 'hash')
      for _, unit in ipairs(UNITS) do
        local limit = found[payer.scope .. ':' .. period .. ':' .. unit]
        local spent = limit and spent_in(payer.key, period, names[period], unit)
        local left = limit and limit - spent - (reserved[unit] or 0)
        if limit and spent >= limit then full = { scope = payer.scope, period = period }
        elseif limit and left <= 0 then waits = true end
        if left then room[unit] = math.min(room[unit] or math.huge, math.max(0, left)) end
      end
    end
  end
  return full, waits, room
end

-- The reply of `reserve_budget` for a task that may go on.
local function go_on(room) return { 1, room.tokens and ms(room.tokens) or '', room.micro_usd and ms(room.micro_usd) or '' } end

-- Whether a task in a lane still waits for the ends of others. `known` is empty at first: one step asks for many tasks, and reads limits and reservations
-- once. A task that may go counts in it from then on as if it had reserved, so that one end releases one task. Where a limit is reached the task goes too:
-- `reserve_budget` refuses it.
waits_for_budget = function(id, known)
  local t = call('HMGET', task_key(id), 'budget_wait', 'user', 'chat')
  local tokens, micro_usd, day, month, until_ms = (t[1] or ''):match('^(%d+) (%d+) (%S+) (%S+) (%d+)$')
  if not tokens or number(until_ms, 0) <= now_ms() then return false end
  known.limits = known.limits or limits()
  if not next(known.limits) then return false end
  known.sums = known.sums or reserved_sums()
  local full, waits = limit_reached(t[2] or '-', t[3] or '-', { day = day, month = month }, known.limits, known.sums)
  if full then return false end
  if not waits then add_reserved(known.sums, t[2] or '-', t[3] or '-', tokens, micro_usd) end
  return waits
end

-- Reserve the most that an answer can take, before any model is asked for it; fail the task where a limit is reached. A task that has begun is never
-- refused. Where only what others have reserved is in the way, it goes back to the head of its lane, for their ends, and holds no place meanwhile.
-- Arguments: epoch, task, tokens, micro_usd, day, month (names of the present ones), next_day, next_month (when they begin, for people), wait_ms (most
-- that it waits)
-- Keys: reads epoch, budget.limits, prices; writes budget.reserved, task, agent:leases, agent:pictures, agent:ready, agent:run, busy, changes,
-- lane, notice, open, order, released, ring, ring.members, spent, turns, waiting.since
-- Result: {1: go on; 2: it has failed, and its chat is told; 3: it waits in its lane; 4: it has waited for too long; 0: it is not out, or not queued any
-- more}. With 1 also how much is left of the limits besides what others have reserved: tokens, micro_usd, each empty without a limit
-- Late or twice: nothing, since it is reserved, or is in its lane, or is further; of a task that was released since: its reservation, which goes with it.
function ops.reserve_budget()
  if not led() then return { -1 } end
  local t = call('HMGET', task_key(a.task), 'state', 'user', 'chat', 'attempt', 'reserved', 'budget_wait')
  if t[1] ~= 'queued' or call('SISMEMBER', P .. 'released', a.task) == 0 then return { 0 } end
  local user, chat, now = t[2] or '-', t[3] or '-', now_ms()
  local full, waits, room = limit_reached(user, chat, { day = a.day, month = a.month }, limits(), reserved_sums(a.task))
  if t[5] then return go_on(room) end
  if number(t[4], 0) == 0 then
    if full then
      set(a.task, 'budget', full.scope .. ' ' .. full.period .. ' ' .. (full.period == 'day' and a.next_day or a.next_month))
      unqueue(a.task)
      fail(a.task, 'budget')
      return { 2 }
    end
    if waits then
      local until_ms = number((t[6] or ''):match(' (%d+)$'), now + a.wait_ms)
      if until_ms <= now then return { 4 } end
      set(a.task, 'budget_wait', table.concat({ ms(a.tokens), ms(a.micro_usd), a.day, a.month, ms(until_ms) }, ' '))
      into_lane(a.task, true)
      return { 3 }
    end
  end
  local entry = table.concat({ a.task, user, chat, ms(a.tokens), ms(a.micro_usd) }, ' ')
  call('ZADD', P .. 'budget.reserved', now + KEEP_RESERVED_S * 1000, entry)
  call('EXPIRE', P .. 'budget.reserved', KEEP_RESERVED_S)
  set(a.task, 'reserved', entry)
  call('HDEL', task_key(a.task), 'budget_wait')
  return go_on(room)
end

-- Give what a group has spent, and what is reserved for its tasks, to its new id. It may have spent something under that one already.
move_budget = function(from, to)
  local old, new = P .. 'spent:chat:' .. from, P .. 'spent:chat:' .. to
  fix_type(old, 'hash')
  fix_type(new, 'hash')
  for _, period in ipairs(PERIODS) do
    local name, known = call('HGET', old, period) or '', call('HGET', new, period) or ''
    if name:match('^%d%d%d%d%-') and known <= name then
      if known < name then call('HSET', new, period, name, period .. '_tokens', 0, period .. '_micro_usd', 0) end
      for _, unit in ipairs(UNITS) do add_to(new, period .. '_' .. unit, ms(number(call('HGET', old, period .. '_' .. unit), 0))) end
      if call('HEXISTS', old, period .. '_told') == 1 then call('HSET', new, period .. '_told', 1) end
      call('EXPIRE', new, KEEP_SPENT_S)
    end
  end
  call('DEL', old)
  local entries = call('ZRANGE', P .. 'budget.reserved', 0, -1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    local task, user, chat, most = entries[i]:match('^(%S+) (%S+) (%S+) (%d+ %d+)$')
    if task and chat == from then
      local entry = table.concat({ task, user, to, most }, ' ')
      call('ZREM', P .. 'budget.reserved', entries[i])
      call('ZADD', P .. 'budget.reserved', entries[i + 1], entry)
      if get(task, 'reserved') == entries[i] then set(task, 'reserved', entry) end
    end
  end
end

-- Write the limits down, for the tasks that are released from now on.
-- Arguments: epoch, limits (by `user:day:tokens` and the like)
-- Keys: reads epoch; writes budget.limits
-- Result: 1
-- Late or twice: nothing, each leader sets them once.
function ops.set_budgets()
  if not led() then return -1 end
  call('DEL', P .. 'budget.limits')
  for name, limit in pairs(a.limits) do call('HSET', P .. 'budget.limits', name, ms(limit)) end
  return 1
end
end -- of this file
