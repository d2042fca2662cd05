-- Compare-and-set of one circuit: writes it where it still stands as the caller has seen it, and answers how it
-- stands then. What a circuit becomes is decided in circuit.ts.
-- KEYS[1]: hash of one provider, name -> circuit as JSON, times in ms by this server's clock; a closed circuit without
-- failures has no field. Field `revision` goes up with every change, so that a process can tell old news from new.
-- ARGV[1]: channel of changes. [2]: provider id. [3]: name of the circuit. [4]: the JSON text seen, '' = no field.
-- [5]: 'keep', or
-- the new circuit as JSON with its times as ms from now, '' = closed without failures.
-- Returns {1 = it stood as seen, the JSON text as it stands, the circuit as a message}.

-- Longer than any circuit is open.
local FORGET_AFTER_SECONDS = 3600

local channel, provider_id, name, seen, wanted = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HGET', KEYS[1], name) or ''
local revision = tonumber(redis.call('HGET', KEYS[1], 'revision') or '0')
local as_seen = stored == seen
local changes = as_seen and wanted ~= 'keep'

if changes then
  stored = ''
  if wanted == '' then
    redis.call('HDEL', KEYS[1], name)
  else
    local circuit = cjson.decode(wanted)
    for _, field in ipairs({ 'untilMs', 'probeUntilMs' }) do
      -- 0 is no time: a probe that nobody has.
      if circuit[field] and circuit[field] ~= 0 then circuit[field] = math.floor(circuit[field]) + now_ms end
    end
    stored = cjson.encode(circuit)
    redis.call('HSET', KEYS[1], name, stored)
  end
  -- Never lower than before, not even after all data was lost.
  revision = math.max(revision + 1, now_ms)
  redis.call('HSET', KEYS[1], 'revision', string.format('%.0f', revision))
  redis.call('EXPIRE', KEYS[1], FORGET_AFTER_SECONDS)
end

local message = cjson.encode({
  providerId = tonumber(provider_id),
  name = name,
  revision = revision,
  nowMs = now_ms,
  circuit = stored == '' and { state = 'closed', failures = 0 } or cjson.decode(stored),
})
if changes then redis.call('PUBLISH', channel, message) end
return { as_seen and 1 or 0, stored, message }
