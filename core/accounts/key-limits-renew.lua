-- Lengthens the leases of requests that are still under way.
-- KEYS[1]: sorted set of an access key as in key-limits-admit.lua. ARGV: [1] ms of a lease; then ids.
local lease_ms = tonumber(ARGV[1])
local time = redis.call('TIME')
local ends_at_ms = time[1] * 1000 + time[2] / 1000 + lease_ms
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], ends_at_ms, ARGV[index]) end
if redis.call('PTTL', KEYS[1]) < lease_ms then redis.call('PEXPIRE', KEYS[1], lease_ms) end
return 0
