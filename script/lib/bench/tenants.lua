-- Makes tenants, each with an application and a service: tenants.lua OPERATOR_TOKEN COUNT FOLDER. A thread makes its share, one
-- request after the other, and writes "path basic" lines for lines.lua to FOLDER/services.<thread>.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
  thread:set("count", tonumber(os.getenv("BENCH_THREADS")))
end

local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local out = {}
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    local function letter(shift) local k = math.floor(n / shift) % 64 + 1 return letters:sub(k, k) end
    out[#out + 1] = letter(262144) .. letter(4096) .. (b and letter(64) or "=") .. (c and letter(1) or "=")
  end
  return table.concat(out)
end

function init(args)
  operator, share, step = args[1], math.floor(tonumber(args[2]) / count), 1
  made, out = 0, io.open(args[3] .. "/services." .. number, "w")
  prefix = "b" .. number .. "x" .. os.time() % 1000000 .. "x"
end

local function post(path, key, body)
  return wrk.format("POST", path, { ["Content-Type"] = "application/json", Authorization = "Bearer " .. key }, body)
end

function request()
  if step == 1 then
    slug = prefix .. made
    return post("/v1/tenants", operator, '{"slug":"' .. slug .. '","name":"B"}')
  elseif step == 2 then
    return post("/t/" .. slug .. "/v1/identity-applications", key, '{"slug":"a","name":"A"}')
  end
  return post("/t/" .. slug .. "/v1/oauth-clients", key,
    '{"identity_application_id":"' .. application .. '","name":"S","type":"service"}')
end

function response(status, headers, body)
  if status ~= 201 then return end
  if step == 1 then
    key = body:match('"key":"([^"]+)"')
  elseif step == 2 then
    application = body:match('"id":"([^"]+)"')
  else
    local id, secret = body:match('"id":"([^"]+)"'), body:match('"client_secret":"([^"]+)"')
    if made < share then
      out:write("/t/" .. slug .. "/i/a/token " .. base64(id .. ":" .. secret) .. "\n")
      out:flush()
    end
    made = made + 1
  end
  step = step % 3 + 1
end
