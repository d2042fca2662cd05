-- Applies how a call ended to its key's circuit. Returns the circuit as a message.
-- ARGV[3]: key id. [4]: token of the probe, '' = ordinary call, '*' = test by an administrator.
-- [5]: success, neutral, open or count. [6]: reason. [7]: ms to open for (0 when it is not of kind open).
-- [8]: failures in a row that open. [9], [10]: ms they open for, times openings in a row, and the most.
local key_id, token, kind, reason = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local open_ms, failures_to_open = tonumber(ARGV[7]), tonumber(ARGV[8])
local transient_ms, transient_longest_ms = tonumber(ARGV[9]), tonumber(ARGV[10])
local CLOSED = { state = 'closed', failures = 0 }

local function opened(openings)
  local length_ms = open_ms
  if kind == 'count' then length_ms = math.min(transient_ms * openings, transient_longest_ms) end
  return { state = 'open', reason = reason, openings = openings, untilMs = now_ms + length_ms }
end

local function when_closed(circuit)
  if kind == 'success' and circuit.failures > 0 then return CLOSED end
  if kind == 'open' then return opened(1) end
  if kind ~= 'count' then return nil end
  local failures = circuit.failures + 1
  if failures >= failures_to_open then return opened(1) end
  return { state = 'closed', failures = failures }
end

local function when_open(circuit)
  if kind == 'success' and token == '*' then return CLOSED end
  if kind ~= 'open' then return nil end
  local new_reason = reason == 'account' and 'account' or circuit.reason
  local until_ms = math.max(circuit.untilMs, now_ms + open_ms)
  if new_reason == circuit.reason and (new_reason == 'account' or until_ms == circuit.untilMs) then return nil end
  return { state = 'open', reason = new_reason, openings = circuit.openings, untilMs = until_ms }
end

local function when_half_open(circuit)
  if kind == 'success' and token == '*' then return CLOSED end
  if token == '' or token ~= circuit.probe then return nil end
  if kind == 'success' then return CLOSED end
  if kind ~= 'neutral' then return opened(circuit.openings + 1) end
  return { state = 'half-open', reason = circuit.reason, openings = circuit.openings, probe = '', probeUntilMs = 0 }
end

local circuit = read(key_id)
local rules = { closed = when_closed, open = when_open, ['half-open'] = when_half_open }
local changed = rules[circuit.state](circuit)
if changed then write(key_id, changed) end
return message(key_id, changed or circuit)
