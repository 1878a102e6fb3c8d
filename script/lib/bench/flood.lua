-- Sign-ins with names that nobody has, at a pace: flood.lua COOKIE INTERACTION PAUSE. A thread waits PAUSE milliseconds before
-- each. An answer of 503 has to say when to come again.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  threads[#threads + 1] = thread
end

function init(args)
  cookie, interaction, pause, at = args[1], args[2], tonumber(args[3]), 0
  stamp = os.time()
  looked, turned, odd = 0, 0, 0
end

function delay() return pause end

function request()
  at = at + 1
  return wrk.format("POST", nil, { ["Content-Type"] = "application/x-www-form-urlencoded", Cookie = cookie },
    "interaction=" .. interaction .. "&username=nobody-" .. stamp .. "-" .. number .. "-" .. at .. "&password=wrong-password")
end

function response(status, headers, body)
  if status == 401 then
    looked = looked + 1
  elseif status == 503 and (headers["Retry-After"] or headers["retry-after"]) then
    turned = turned + 1
  else
    odd = odd + 1
  end
end

function done(summary, latency, requests)
  local sums = { looked = 0, turned = 0, odd = 0 }
  for name in pairs(sums) do
    for _, thread in ipairs(threads) do sums[name] = sums[name] + thread:get(name) end
  end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("FLOOD %d %d %d\n", sums.looked, sums.turned, sums.odd + lost))
end
