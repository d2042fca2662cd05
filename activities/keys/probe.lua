-- Gives the one probe of a half-open circuit to a process, for as long as a lease. Returns the circuit as a message:
-- the process has the probe when it finds its token there.
-- ARGV[3]: key id. [4]: token. [5]: ms of the lease.
local key_id = ARGV[3]
local circuit = read(key_id)
if may_probe(circuit) then
  circuit = {
    state = 'half-open',
    reason = circuit.reason,
    openings = circuit.openings,
    probe = ARGV[4],
    probeUntilMs = now_ms + tonumber(ARGV[5]),
  }
  write(key_id, circuit)
end
return message(key_id, circuit)
