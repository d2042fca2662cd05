-- Put before each of the scripts about circuits. The rules are those of circuit.ts; test/keys holds the two together.
-- KEYS[1]: hash of one provider, key id -> circuit as JSON, times in ms by this server's clock; a closed circuit without
-- failures has no field. Field `revision` goes up with every change, so that a process can tell old news from new.
-- ARGV[1]: channel of changes. ARGV[2]: provider id.

-- Longer than any circuit is open.
local FORGET_AFTER_SECONDS = 3600

local function time_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local now_ms = time_ms()

local function read(key_id)
  local text = redis.call('HGET', KEYS[1], key_id)
  if text then return cjson.decode(text) end
  return { state = 'closed', failures = 0 }
end

local function revision()
  return tonumber(redis.call('HGET', KEYS[1], 'revision') or '0')
end

-- As the processes read it.
local function message(key_id, circuit)
  return cjson.encode({
    providerId = tonumber(ARGV[2]),
    keyId = tonumber(key_id),
    revision = revision(),
    nowMs = now_ms,
    circuit = circuit,
  })
end

local function write(key_id, circuit)
  if circuit.state == 'closed' and circuit.failures == 0 then
    redis.call('HDEL', KEYS[1], key_id)
  else
    redis.call('HSET', KEYS[1], key_id, cjson.encode(circuit))
  end
  -- Never lower than before, not even after all data was lost.
  redis.call('HSET', KEYS[1], 'revision', string.format('%.0f', math.max(revision() + 1, now_ms)))
  redis.call('EXPIRE', KEYS[1], FORGET_AFTER_SECONDS)
  redis.call('PUBLISH', ARGV[1], message(key_id, circuit))
end

local function may_probe(circuit)
  if circuit.state == 'open' then return now_ms >= circuit.untilMs end
  return circuit.state == 'half-open' and (circuit.probe == '' or now_ms >= circuit.probeUntilMs)
end
