# shellcheck shell=bash
# What `script/bench provider` measures: the OpenID provider as a browser and a relying party meet it.

verifier="one-verifier-for-all-the-flows-of-the-measurements"
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | basenc --base64url | tr -d =)
redirect=http%3A%2F%2F127.0.0.1%3A9%2Fcb
flows=6000

# client NAME MORE: an OAuth client of the code flow; prints its id.
code_client() {
  post /t/bench/v1/oauth-clients "$key" "$(jq -n --arg a "$application" --arg name "$1" --argjson more "$2" \
    '{identity_application_id: $a, name: $name, redirect_uris: ["http://127.0.0.1:9/cb"], scopes: ["openid", "profile"]}
      + $more')" | jq -r .id
}

# browse ARGUMENT…: as one browser.
browse() { curl -sS -f -b "$data/cookies" -c "$data/cookies" "$@"; }

# interaction CLIENT: begins a sign-in; prints its token.
interaction() {
  browse -o /dev/null -w '%{redirect_url}' \
    "$issuer/authorize?$authorization&client_id=$1&prompt=login" | sed -n 's/.*interaction=//p'
}

# agree CLIENT: signs the browser in and agrees once.
agree() {
  local token
  token=$(interaction "$1")
  [[ -n $token ]] || die "there is no sign-in page"
  browse -o /dev/null --data-urlencode "interaction=$token" -d username=bench -d password=bench-password "$issuer/login"
  browse -o /dev/null --data-urlencode "interaction=$token" -d decision=allow "$issuer/consent"
}

# The cookie of the session, as a browser sends it.
session_cookie() { awk '!/^# / && NF == 7 { printf "%s%s=%s", sep, $6, $7; sep = "; " }' "$data/cookies"; }

prepare_provider() {
  say "==> a person who is signed in"
  post "/t/bench/v1/identity-applications/$application/users" "$key" \
    '{"username":"bench","password":"bench-password","name":"Bench"}' >/dev/null
  authorization="response_type=code&scope=openid%20profile&redirect_uri=$redirect&state=s&code_challenge=$challenge&code_challenge_method=S256"
  spa=$(code_client spa '{"type":"spa"}')
  agree "$spa"
  # What a minute of autovacuum does: plans made on empty tables are made anew.
  cluster_psql "$data/postgres" "$cluster_database" -qc ANALYZE >&2
}

measure_code_flow() {
  say "==> code flow with a live session"
  local paths=${issuer#"$url"} single form="grant_type=authorization_code&client_id=$spa&redirect_uri=$redirect&code_verifier=$verifier"
  flow=("$issuer" code_flow "$(session_cookie)" "$paths/authorize?$authorization&client_id=$spa" "$paths/token" "$form")
  (seconds=2 && measure 1 "${flow[@]}" && echo "$p50") >"$data/single"
  single=$(cat "$data/single")
  measure 16 "${flow[@]}"
  # Two requests a flow; the latencies are of one request.
  row 'code flow: authorize and token' "$((rate / 2))" "$(awk "BEGIN { printf \"%.2f\", $single / 500 }")" \
    "$(awk "BEGIN { printf \"%.1f\", $p99 / 500 }")" "$((cpu_server * 2)) + $((cpu_database * 2))" 'glewlwyd 46' \
    "$(ratio "$((rate / 2))" 46)" 10 40
}

# once URL KIND FILE [COOKIE]: each line of FILE once over 16 connections; what is kept of the answers lies in $data/kept. wrk
# waits for its time to pass even when all threads have stopped, so it is told.
once() {
  rm -f "$data"/kept.*
  (
    while [[ $(find "$data" -maxdepth 1 -name 'kept.*.done' | wc -l) -lt 16 ]]; do sleep 0.02; done
    pkill -INT -f "wrk .*$bench_lua/once.lua"
  ) &
  local watcher=$!
  seconds=50 measure 16 "$1" once "$3" "$2" "$data/kept" "${4:-}"
  kill "$watcher" 2>/dev/null || true
  cat "$data"/kept.* >"$data/kept"
}

# The codes of all lines of $data/requests, in $data/codes.
authorize_all() {
  once "$issuer" authorize "$data/requests" "$(session_cookie)"
  cp "$data/kept" "$data/codes"
  [[ $(grep -c . "$data/codes") -eq $flows ]] || die "only $(grep -c . "$data/codes") of $flows requests gave a code"
}

measure_exchanges() {
  say "==> token endpoint, plain and with PAR, DPoP and private_key_jwt"
  local paths=${issuer#"$url"} plain public strict
  awk -v n="$flows" -v line="$paths/authorize?$authorization&client_id=$spa" 'BEGIN { while (n-- > 0) print line }' \
    >"$data/requests"
  authorize_all
  sed "s|^|grant_type=authorization_code\&client_id=$spa\&redirect_uri=$redirect\&code_verifier=$verifier\&code=|" \
    "$data/codes" >"$data/bodies"
  once "$issuer/token" token "$data/bodies"
  plain=$rate
  say "    plain: $rate/s"

  public=$(/usr/bin/python3 "$bench_lua/sign.py" key "$data/client.pem")
  strict=$(code_client strict "$(jq -n --argjson key "$public" '{type: "web", token_endpoint_auth_method: "private_key_jwt",
    jwks: {keys: [$key]}, require_pushed_authorization_requests: true, require_consent: false}')")
  /usr/bin/python3 "$bench_lua/sign.py" pushed "$data/client.pem" "$flows" "$strict" "$issuer" \
    "$authorization" >"$data/bodies"
  once "$issuer/par" pushed "$data/bodies"
  say "    pushed requests: $rate/s"
  sed "s|^|$paths/authorize?client_id=$strict\&request_uri=|" "$data/kept" >"$data/requests"
  authorize_all
  /usr/bin/python3 "$bench_lua/sign.py" redeemed "$data/client.pem" "$data/codes" "$strict" "$issuer" \
    "grant_type=authorization_code&redirect_uri=$redirect&code_verifier=$verifier" >"$data/bodies"
  once "$issuer/token" proved "$data/bodies"
  row 'the same with PAR, DPoP and private_key_jwt' "$rate" - "$(awk "BEGIN { printf \"%.1f\", $p99 / 1000 }")" \
    "$cpu_server + $cpu_database" "above $plain" "$(ratio "$rate" "$plain")" 0.25 0.5
}

# flood THREADS PAUSE SECONDS: sign-ins in the background; flood_ended waits and leaves looked, turned and odd a second.
flood() {
  local token
  token=$(interaction "$spa")
  wrk -t"$1" -c"$1" -d"$3s" --timeout 10s -s "$bench_lua/flood.lua" "$issuer/login" -- \
    "$(session_cookie)" "$token" "$2" >"$data/flood" &
  flood_process=$!
  flood_seconds=$3
}

flood_ended() {
  wait "$flood_process"
  read -r looked turned odd < <(awk -v s="$flood_seconds" '/^FLOOD/ { printf "%d %d %d\n", $2 / s, $3 / s, $4 }' "$data/flood")
}

# p99_of WHAT: of four connections, in microseconds: the median of five rounds of two seconds, because one pause of the machine
# makes the p99 of a round.
p99_of() {
  local rounds=()
  for _ in 1 2 3 4 5; do
    case $1 in
      token) (seconds=2 && measure 4 "$issuer/token" fixed grant_type=client_credentials Authorization "Basic $service" && echo "$p99") ;;
      userinfo) (seconds=2 && measure 4 "$issuer/userinfo" lines "$data/access-tokens" bearer && echo "$p99") ;;
    esac >"$data/p99"
    rounds+=("$(cat "$data/p99")")
  done
  median "${rounds[@]}"
}

# Linux makes every session a group (sched(7), "The autogroup feature"), shares the processors out among the groups and heeds a
# thread's niceness inside its group only: the server's hashing then counts as much as the PostgreSQL beside it. The table says
# which of the two was measured; a process keeps the group it began in, so it is for who runs this to choose before.
scheduling="kernel.sched_autogroup_enabled = $(cat /proc/sys/kernel/sched_autogroup_enabled 2>/dev/null || echo none)"

measure_flood() {
  say "==> a flood of sign-ins"
  local what quiet capacity
  # As many at once as are taken: nobody is turned away, so this is what can be hashed.
  flood 4 0 4
  flood_ended
  capacity=$looked
  ((odd == 0 && capacity > 0)) || die "sign-ins were answered oddly: $looked looked at, $turned turned away, $odd odd"
  say "    $capacity passwords a second can be looked at"
  for what in token userinfo; do
    quiet=$(p99_of "$what")
    # Sixty-four in turn, at six times the capacity: the time of an answer makes it less.
    flood 64 "$(awk "BEGIN { printf \"%d\", 64000 / (6 * $capacity) }")" 13
    sleep 1
    limit "$what p99 while sign-ins flood, times quiet ($quiet µs)" "$(ratio "$(p99_of "$what")" "$quiet")" 2 1.5
    flood_ended
    ((odd == 0 && turned > 0)) || die "the flood was answered oddly: $looked looked at, $turned turned away, $odd odd"
    say "    the flood: $looked/s looked at, $turned/s turned away with 503 and Retry-After, $(ratio "$((looked + turned))" "$capacity") times the capacity"
    ((looked + turned >= 4 * capacity)) || die "the flood was less than four times the capacity"
  done
}

measure_page() {
  say "==> sign-in page"
  local token page times=() address bytes=0
  token=$(interaction "$spa")
  page="$issuer/login?interaction=$token"
  for ((times_left = 60; times_left > 0; times_left--)); do
    times+=("$(browse -o "$data/page.html" -w '%{time_starttransfer}' "$page")")
  done
  limit 'first byte of the sign-in page on a new connection, p50, ms' \
    "$(printf '%s\n' "${times[@]}" | sort -n | awk '{ t[NR] = $1 } END { printf "%.2f", t[int((NR + 1) / 2)] * 1000 }')" 5 1
  bytes=$(wc -c <"$data/page.html")
  while read -r address; do
    bytes=$((bytes + $(curl -sS -f -o /dev/null -w '%{size_download}' "$url$address")))
  done < <(grep -oE '(href|src)="/assets/[^"]+"' "$data/page.html" | cut -d'"' -f2 | sort -u)
  limit 'sign-in page with all it loads, KB' "$(awk "BEGIN { printf \"%.1f\", $bytes / 1024 }")" 30 15
}

bench_provider() {
  prepare_provider
  measure_code_flow
  measure_exchanges
  measure_flood
  measure_page
}
