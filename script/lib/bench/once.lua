-- Each line of a file is sent once: once.lua FILE KIND OUT [COOKIE]. The lines are shared out among the threads, each with one
-- connection; what the answers hold is written to OUT.<thread>, a line each, and OUT.<thread>.done tells that it is whole.
--   token       a line is a form body: POST; nothing is kept
--   pushed      a line is "DPOP FORM": POST; the request_uri is kept
--   proved      a line is "DPOP FORM": POST; nothing is kept
--   authorize   a line is a path with its query: GET with COOKIE; the code is kept
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
  thread:set("count", tonumber(os.getenv("BENCH_THREADS")))
end

function init(args)
  kind, cookie = args[2], args[4]
  lines, at, index, answered = {}, 0, 0, 0
  for line in io.lines(args[1]) do
    if index % count == number then lines[#lines + 1] = line end
    index = index + 1
  end
  out = io.open(args[3] .. "." .. number, "w")
  marker = args[3] .. "." .. number .. ".done"
end

local form = "application/x-www-form-urlencoded"

function request()
  at = at % #lines + 1
  local line = lines[at]
  if kind == "authorize" then return wrk.format("GET", line, { Cookie = cookie }) end
  if kind == "token" then return wrk.format("POST", nil, { ["Content-Type"] = form }, line) end
  local proof, body = line:match("^(%S+) (%S+)$")
  return wrk.format("POST", nil, { ["Content-Type"] = form, DPoP = proof }, body)
end

function response(status, headers, body)
  if kind == "authorize" then
    out:write((headers["Location"] or headers["location"] or ""):match("[?&]code=([^&]+)") or "", "\n")
  elseif kind == "pushed" then
    out:write(body:match('"request_uri":"([^"]+)"') or "", "\n")
  end
  answered = answered + 1
  if status >= 400 then io.stderr:write(status, " ", body, "\n") end
  if answered == #lines then
    out:close()
    io.open(marker, "w"):close()
    wrk.thread:stop()
  end
end

function done(summary, latency, requests)
  dofile(os.getenv("BENCH_LUA") .. "/report.lua")
  report(summary, latency)
end
