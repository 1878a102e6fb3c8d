-- Code flows of a person who is signed in and has agreed: code_flow.lua COOKIE AUTHORIZE TOKEN FORM. Each thread has one
-- connection: an authorization request, then its code at the token endpoint with FORM, and again.
function init(args)
  cookie, authorize, token, form = args[1], args[2], args[3], args[4]
end

function request()
  if code then
    return wrk.format("POST", token, { ["Content-Type"] = "application/x-www-form-urlencoded" }, form .. "&code=" .. code)
  end
  return wrk.format("GET", authorize, { Cookie = cookie })
end

function response(status, headers, body)
  local spent = code
  code = nil
  if spent then return end
  code = (headers["Location"] or headers["location"] or ""):match("[?&]code=([^&]+)")
  if not code then io.stderr:write("no code: ", status, "\n") end
end

function done(summary, latency, requests)
  dofile(os.getenv("BENCH_LUA") .. "/report.lua")
  report(summary, latency)
end
