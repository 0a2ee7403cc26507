-- One bucket for the bot, one for each chat. A lower priority leaves tokens for the higher ones: 0 final and failure texts,
-- 1 reserved messages, 2 first text, 3 previews. Tokens are thousandths, so that integers do.

local function level(key, rate_per_s, burst, now)
  local b = call('HMGET', key, 'tokens', 'at')
  if not (number(b[1]) and number(b[2])) then return burst * 1000 end
  return math.min(burst * 1000, number(b[1]) + (now - number(b[2])) * rate_per_s)
end

-- chat, priority, rates, bursts, reserves → 0: go; else milliseconds to wait. Late: a token is spent for nothing, and is back within seconds.
function ops.flood_take()
  local now = now_ms()
  for _, key in ipairs({ 'flood:bot', 'flood:' .. a.chat }) do fix_type(P .. key, 'hash') end
  for _, key in ipairs({ 'flood.rest', 'flood.rest:' .. a.chat }) do fix_type(P .. key, 'string') end
  local rest = math.max(number(call('GET', P .. 'flood.rest'), 0), number(call('GET', P .. 'flood.rest:' .. a.chat), 0))
  if rest > now then return rest - now end
  local bot, chat = P .. 'flood:bot', P .. 'flood:' .. a.chat
  local bot_level = level(bot, a.bot_rate, a.bot_burst, now)
  local chat_level = level(chat, a.chat_rate, a.chat_burst, now)
  local need_bot = 1000 * (1 + a.bot_reserve[a.priority + 1])
  local need_chat = 1000 * (1 + a.chat_reserve[a.priority + 1])
  local wait = 0
  if bot_level < need_bot then wait = math.ceil((need_bot - bot_level) / a.bot_rate) end
  if chat_level < need_chat then wait = math.max(wait, math.ceil((need_chat - chat_level) / a.chat_rate)) end
  if wait > 0 then return wait end
  call('HSET', bot, 'tokens', bot_level - 1000, 'at', ms(now))
  call('HSET', chat, 'tokens', chat_level - 1000, 'at', ms(now))
  call('EXPIRE', bot, 120)
  call('EXPIRE', chat, 120)
  return 0
end

-- chat, retry_after_ms → 1: a 429: that chat rests; three chats within a second: all rest. Late: it rests once more.
function ops.flood_refused()
  local now = now_ms()
  local until_ms = now + a.retry_after_ms
  fix_type(P .. 'flood.refused', 'zset')
  call('SET', P .. 'flood.rest:' .. a.chat, ms(until_ms), 'PX', math.max(1, a.retry_after_ms))
  call('ZADD', P .. 'flood.refused', now, a.chat)
  call('ZREMRANGEBYSCORE', P .. 'flood.refused', '-inf', now - 1000)
  call('EXPIRE', P .. 'flood.refused', 60)
  if call('ZCARD', P .. 'flood.refused') >= 3 then
    call('SET', P .. 'flood.rest', ms(until_ms), 'PX', math.max(1, a.retry_after_ms))
  end
  return 1
end
