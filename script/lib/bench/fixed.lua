-- One request again and again: fixed.lua [BODY [HEADER VALUE]…]; without a body it is a GET.
function init(args)
  if args[1] and args[1] ~= "" then
    wrk.method = "POST"
    wrk.body = args[1]
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
  end
  for i = 2, #args, 2 do wrk.headers[args[i]] = args[i + 1] end
end

function done(summary, latency, requests)
  dofile(os.getenv("BENCH_LUA") .. "/report.lua")
  report(summary, latency)
end
