-- Refreshes a token with what the last refresh gave: refresh.lua FILE CLIENT; a thread takes one line of FILE and has one
-- connection, so that each answer belongs to the request before it.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  local index = 0
  for line in io.lines(args[1]) do
    if index == number then token = line end
    index = index + 1
  end
  client = args[2]
end

function request()
  return wrk.format("POST", nil, { ["Content-Type"] = "application/x-www-form-urlencoded" },
    "grant_type=refresh_token&client_id=" .. client .. "&refresh_token=" .. token)
end

function response(status, headers, body)
  token = body:match('"refresh_token":"([^"]+)"') or token
end

function done(summary, latency, requests)
  dofile(os.getenv("BENCH_LUA") .. "/report.lua")
  report(summary, latency)
end
