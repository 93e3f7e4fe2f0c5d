-- Sends the targets of a file in turn, each with the headers of another; prints what came of it as JSON.
-- wrk … -s fire.lua http://… -- TARGETS HEADERS

local requests, at = {}, 0

function init(args)
  for line in io.lines(args[2]) do
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  for target in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", target)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local failed = summary.errors
  print(string.format(
    'RESULT {"requests": %d, "seconds": %f, "bytes": %d, "errors": %d, "p50": %f, "p95": %f, "p99": %f}',
    summary.requests, summary.duration / 1e6, summary.bytes,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
