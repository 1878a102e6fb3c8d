-- A request for each line of a file, in turn: lines.lua FILE KIND. The lines are shared out among the threads.
--   bearer      a line is an access token: GET with it
--   form        a line is a form body: POST
--   json        a line is a JSON body: POST
--   service     a line is "path basic": POST of client_credentials to path
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
  thread:set("count", tonumber(os.getenv("BENCH_THREADS")))
end

function init(args)
  kind = args[2]
  basic = args[3]
  lines, at, index = {}, 0, 0
  for line in io.lines(args[1]) do
    if index % count == number then lines[#lines + 1] = line end
    index = index + 1
  end
end

function request()
  at = at % #lines + 1
  local line = lines[at]
  if kind == "bearer" then
    return wrk.format("GET", nil, { Authorization = "Bearer " .. line })
  elseif kind == "json" then
    return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, line)
  elseif kind == "form" then
    return wrk.format("POST", nil,
      { ["Content-Type"] = "application/x-www-form-urlencoded", Authorization = basic and "Basic " .. basic }, line)
  end
  local path, secret = line:match("^(%S+) (%S+)$")
  return wrk.format("POST", path,
    { ["Content-Type"] = "application/x-www-form-urlencoded", Authorization = "Basic " .. secret },
    "grant_type=client_credentials")
end

function done(summary, latency, requests)
  dofile(os.getenv("BENCH_LUA") .. "/report.lua")
  report(summary, latency)
end
