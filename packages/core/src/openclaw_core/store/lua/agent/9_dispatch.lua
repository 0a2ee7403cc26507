if a.by_ms and now_ms() > a.by_ms then return redis.error_reply('LATE the caller has given up') end
return ops[op]()
