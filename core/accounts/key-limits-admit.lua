-- Lets one request of an access key through its limits, or says how long to wait. The rules are those of
-- key-limit-rule.ts; test/api/key-limit-rules.test.ts holds the two together.
-- KEYS[1]: hash, `requests` and `tokens` -> ms by this server's clock at which the rate is all free again.
-- KEYS[2]: sorted set of the requests under way, id -> ms at which its lease ends.
-- ARGV: [1] requests a minute, [2] tokens a minute, [3] requests at once, each 0 = no limit; [4] tokens; [5] id;
-- [6] ms of the lease.
-- Returns {waits for requests, tokens and a place in ms, ms that requests and tokens are busy after it}.
local MINUTE_MS = 60000
local PARALLEL_WAIT_MS = 1000
local TOLERANCE_MS = 1

local rpm, tpm, parallel, tokens = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local lease_ms = tonumber(ARGV[6])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + time[2] / 1000

local function busy_ms(field)
  return math.max(0, tonumber(redis.call('HGET', KEYS[1], field) or '0') - now_ms)
end

local function wait_ms(busy, amount, limit)
  if limit == 0 then return 0 end
  local over_ms = busy + amount * MINUTE_MS / limit - MINUTE_MS
  return over_ms < TOLERANCE_MS and 0 or math.ceil(over_ms)
end

local requests_busy, tokens_busy = busy_ms('requests'), busy_ms('tokens')
local requests_wait = wait_ms(requests_busy, 1, rpm)
local tokens_wait = wait_ms(tokens_busy, tokens, tpm)
local parallel_wait = 0
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now_ms)
if parallel > 0 and redis.call('ZCARD', KEYS[2]) >= parallel then parallel_wait = PARALLEL_WAIT_MS end

if requests_wait == 0 and tokens_wait == 0 and parallel_wait == 0 then
  if rpm > 0 then
    requests_busy = requests_busy + MINUTE_MS / rpm
    redis.call('HSET', KEYS[1], 'requests', string.format('%.4f', now_ms + requests_busy))
  end
  if tpm > 0 then
    tokens_busy = tokens_busy + tokens * MINUTE_MS / tpm
    redis.call('HSET', KEYS[1], 'tokens', string.format('%.4f', now_ms + tokens_busy))
  end
  if rpm > 0 or tpm > 0 then redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(requests_busy, tokens_busy)) + 1000) end
  redis.call('ZADD', KEYS[2], now_ms + lease_ms, ARGV[5])
  if redis.call('PTTL', KEYS[2]) < lease_ms then redis.call('PEXPIRE', KEYS[2], lease_ms) end
end
return {
  requests_wait,
  tokens_wait,
  parallel_wait,
  string.format('%.4f', requests_busy),
  string.format('%.4f', tokens_busy),
}
