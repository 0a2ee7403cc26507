-- One script holds the steps of the leader, a smaller one those of an agent. KEYS[1] is the key prefix of this bot, for agents that of their area;
-- ARGV[1] names the step, ARGV[2] holds its arguments as JSON.
-- Records with users' words pass through as opaque strings; ids of chats are strings, since cjson keeps 14 digits of a number only.
--
-- A call that comes after `by_ms`, by Redis' clock, when its caller has given it up, is refused. That leaves those that were executed, and whose
-- answer was lost; and a clock can be set.
-- A step is a function `ops.<name>` that Python can call. Each has a header:
--   what it does
--   Arguments: fields of `a`; `?` marks those that may be missing
--   Keys: those it reads, and those it writes (it may read them too), by the names of docs/data.md: `task` is `task:<id>`. A step of the leader that is
--     given a chat or a task also reads `moved` and removes a key of a wrong type, as 9_dispatch says.
--   Result: steps of the leader with `epoch` give -1 too, once a newer leader has raised it; steps of an agent with `run`, once that run is not the
--     agent's any more
--   Late or twice: what it changes when it is executed after its caller has given it up, or once more since the caller asked again
-- An effect (`effects.<name>`) is a part of the step `handle`. Its arguments `e` are the fields of a class in effects.py.
local P, op, a = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local ops = {}

local function call(...) return redis.call(...) end
local function now_ms()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function ms(n) return string.format('%.0f', n) end
-- A row may have been written by a newer release, or by anybody who knows the password: what cannot be read counts as absent.
local function number(value, otherwise)
  local n = tonumber(value)
  if n and n == n and math.abs(n) < 9e15 then return n end
  return otherwise
end
local function row(raw)
  local ok, value = pcall(cjson.decode, raw)
  if ok and type(value) == 'table' then return value end
end

-- ---- the agents' area: the only keys that an agent may touch

local A = P:match('agent:$') and P or P .. 'agent:'
local KEEP_CALL_S = 60
local STEPS_MAX_BYTES = 262144 -- of all completed steps of a run; later ones are not kept, and a takeover repeats them
local KEEP_RUN_S = 86400 -- longer than a task may wait and be worked on; a run that nobody ends goes by itself
local KEEP_JOBS_S = 604800 -- a pool that nobody writes of for 7 days has no Jobs

local PICTURES_MAX_BYTES = 50331648 -- of the pictures of all runs together, in base64; later ones are not kept
local KEEP_PICTURES_S = 21600

local function run_key(run) return A .. 'run:' .. run end
local function pictures_key(run) return A .. 'pictures:' .. run end
-- Take the pictures at a key out of the sum of all. Gives the size of all others, and theirs.
local function uncounted(key)
  local mark, others, own = redis.sha1hex(key), 0, 0
  for _, entry in ipairs(call('ZRANGE', A .. 'pictures', 0, -1)) do
    local of, bytes = entry:match('^(%x+) (%d+)$')
    if of and of ~= mark then others = others + bytes
    else
      own = own + (bytes or 0)
      call('ZREM', A .. 'pictures', entry)
    end
  end
  return others, own
end
local function counted(key, bytes)
  call('ZADD', A .. 'pictures', ms(now_ms() + KEEP_PICTURES_S * 1000), redis.sha1hex(key) .. ' ' .. ms(bytes))
  call('EXPIRE', A .. 'pictures', KEEP_PICTURES_S)
end
local function task_of(run) return run:match('^(.+)%.%x+$') end
-- What the entry of a Job has of its run, whose name can be guessed: the task, and by what to know the run again. Its secret is not there.
local function mark_of(run) return (task_of(run) or '') .. '.' .. redis.sha1hex(run) end
local function job_state(pool, job) return call('HGET', A .. 'jobs:' .. pool, job) or '' end
local function set_job(pool, job, state)
  call('HSET', A .. 'jobs:' .. pool, job, state)
  call('EXPIRE', A .. 'jobs:' .. pool, KEEP_JOBS_S)
end

-- Mark a Job so that it claims nothing more.
-- Arguments: pool, job
-- Keys: writes agent:jobs
-- Result: 1; 0 for a Job that has claimed
-- Late or twice: nothing, or a mark on a Job that has gone, which the pool forgets after 15 s.
function ops.retire()
  local state = job_state(a.pool, a.job)
  if state:sub(1, 7) == 'claimed' then return 0 end
  if state:sub(1, 7) == 'retired' then return 1 end
  set_job(a.pool, a.job, 'retired ' .. ms(now_ms()))
  return 1
end
