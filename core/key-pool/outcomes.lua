-- Adds the counts of one process to those of a provider's keys and models, and returns the sums of the last five
-- minutes as {subject, successes, failures, subject, …}.
-- KEYS[1]: hash, minute:subject:kind -> count. ARGV: subject, successes, failures, subject, …
local MINUTES = 5

local minute = math.floor(redis.call('TIME')[1] / 60)

local function add(subject, kind, count)
  if tonumber(count) > 0 then redis.call('HINCRBY', KEYS[1], minute .. ':' .. subject .. ':' .. kind, count) end
end

for index = 1, #ARGV, 3 do
  add(ARGV[index], 'success', ARGV[index + 1])
  add(ARGV[index], 'failure', ARGV[index + 2])
end
if #ARGV > 0 then redis.call('EXPIRE', KEYS[1], MINUTES * 60) end

local subjects, sums = {}, {}
local fields = redis.call('HGETALL', KEYS[1])
for index = 1, #fields, 2 do
  local counted, subject, kind = string.match(fields[index], '^(%d+):(.+):(%a+)$')
  if tonumber(counted) <= minute - MINUTES then
    redis.call('HDEL', KEYS[1], fields[index])
  else
    if not sums[subject] then
      sums[subject] = { success = 0, failure = 0 }
      table.insert(subjects, subject)
    end
    sums[subject][kind] = sums[subject][kind] + tonumber(fields[index + 1])
  end
end

local reply = {}
for _, subject in ipairs(subjects) do
  table.insert(reply, subject)
  table.insert(reply, sums[subject].success)
  table.insert(reply, sums[subject].failure)
end
return reply
