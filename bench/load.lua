-- wrk's script: posts one body as several callers in turn, and prints what wrk counted as JSON.
-- Arguments: a file with the body, a file with the headers of one caller on each line: name, tab, value, tab, name …
local requests = {}
local turn = 0

local function contentOf(path)
  local file = assert(io.open(path))
  local content = file:read('*a')
  file:close()
  return content
end

function init(args)
  local body = contentOf(args[1])
  for line in io.lines(args[2]) do
    local headers = { ['content-type'] = 'application/json', ['Host'] = wrk.headers['Host'] }
    for name, value in line:gmatch('([^\t]+)\t([^\t]+)') do headers[name] = value end
    requests[#requests + 1] = wrk.format('POST', wrk.path, headers, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"failures":%d,"refused":%d,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, errors.status,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
