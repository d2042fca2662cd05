-- A request of an access key has ended: its place is free, and tokens that it did not use are given back. Once: what is
-- not under way (any more) is left as it is.
-- KEYS: as in key-limits-admit.lua. ARGV: [1] id; [2] ms of the token rate to give back, negative = to take.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + time[2] / 1000
local give_back_ms = tonumber(ARGV[2])

if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 or give_back_ms == 0 then return 0 end
local free_at_ms = tonumber(redis.call('HGET', KEYS[1], 'tokens') or '0')
local busy_ms = math.max(0, math.max(0, free_at_ms - now_ms) - give_back_ms)
redis.call('HSET', KEYS[1], 'tokens', string.format('%.4f', now_ms + busy_ms))
local left_ms = math.ceil(busy_ms) + 1000
if redis.call('PTTL', KEYS[1]) < left_ms then redis.call('PEXPIRE', KEYS[1], left_ms) end
return 0
