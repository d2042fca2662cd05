-- A process begins to share the circuits of a provider, at its start or after it was cut off.
-- KEYS[2]: counter of the processes that took a start of their round robin.
-- ARGV[3]: '1' = take a start. [4]: the last revision the process has seen, 0 = none. [5]: JSON list of the circuits
-- in its memory, {keyId, alone, circuit} with the times as ms from now; alone = it decided so while it was cut off.
-- Returns {start, revision, messages of all circuits but the closed ones without failures}.
local memory_lost = tonumber(ARGV[4]) > revision()

local function known_better(own, shared)
  if own.circuit.state == 'open' then
    return shared.state == 'closed' or (shared.state == 'open' and shared.untilMs < now_ms + own.circuit.untilMs)
  end
  return own.alone and own.circuit.state == 'closed' and shared.state == 'half-open'
end

for _, own in ipairs(cjson.decode(ARGV[5])) do
  local key_id = string.format('%.0f', own.keyId)
  if (own.alone or memory_lost) and known_better(own, read(key_id)) then
    if own.circuit.untilMs then own.circuit.untilMs = now_ms + own.circuit.untilMs end
    write(key_id, own.circuit)
  end
end

local circuits = {}
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
  if fields[index] ~= 'revision' then
    table.insert(circuits, message(fields[index], cjson.decode(fields[index + 1])))
  end
end
local start = 0
if ARGV[3] == '1' then start = redis.call('INCR', KEYS[2]) - 1 end
return { start, revision(), circuits }
