# shellcheck shell=bash
# What `script/bench workers` measures: each worker flat out, its memory, and what a login feels of it.

# start_worker NAME: as the role of the workers.
start_worker() {
  start_process "$1" env QIAO_DATABASE_URL="$worker_database_url" QIAO_METRICS_LISTEN="127.0.0.1:$(free_port)" \
    QIAO_MASTER_KEYS="$master_keys" QIAO_WECHAT_API_URL="$wechat" QIAO_LOG_LEVEL=warning "$programs/$1"
}

count() { cluster_psql "$data/postgres" "$cluster_database" -Atc "$1"; }

# wait_for_count WHAT SQL NUMBER: until SQL gives NUMBER; leaves the seconds since $began in $took.
wait_for_count() {
  local found=-1
  while [[ $found != "$3" ]]; do
    sleep 0.2
    found=$(count "$2")
    ((SECONDS % 10 != 0)) || say "    $1: $found, to be $3"
  done
  took=$(awk "BEGIN { print ($(date +%s%N) - $began) / 1e9 }")
}

peak_memory() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/${process_ids[$1]}/status"; }

# rate_row WHAT NUMBER FLOOR GOAL: NUMBER things in $took seconds.
rate_row() {
  local per_second
  per_second=$(awk "BEGIN { print int($2 / $took) }")
  workers+="| $1 | $2 in $(printf '%.2f' "$took") s | $per_second/s | $3 | $4 | $(verdict_of "$per_second" "$3" "$4") |"$'\n'
  say "    $1: $per_second/s (floor $3, goal $4)"
}

verdict_of() {
  awk "BEGIN { print ($1 >= $3) ? \"goal\" : ($1 >= $2) ? \"floor\" : \"BELOW\" }"
}

# login_p99: of four connections for four seconds, in microseconds.
login_p99() {
  login_bodies "$data/bodies" 20000
  (seconds=4 && measure 4 "$url/t/bench/federation/wechat/miniapp/profile" lines "$data/bodies" json && echo "$p99") \
    >"$data/p99"
  cat "$data/p99"
}

# disturbs WHAT: logins now against logins on a quiet machine.
disturbs() {
  limit "login p99 while $1 runs flat out, times quiet (both on the same two cores)" \
    "$(ratio "$(login_p99)" "$quiet_p99")" 4 2
}

# Clients come through the API, because a secret is sealed for its row; WeChat has them from its seed.
prepare_clients() {
  local number
  say "==> $clients WeChat apps"
  jq -nc --argjson n "$clients" \
    '{apps: [range($n) | {appid: ("wx" + (. + 1000000 | tostring)), secret: "0123456789abcdef0123456789abcdef", kind: "miniapp"}]}' \
    >"$data/seed.json"
  jq -r --arg url "$url/t/bench/v1/third-party-authz-clients" --arg key "$key" --arg application "$application" \
    '.apps[] | "url = \"\($url)\"\nheader = \"Authorization: Bearer \($key)\"\njson = \({identity_application_id: $application,
      name: "A", provider: "wechat_miniapp", app_id: .appid, app_secret: .secret} | tojson | tojson)\noutput = \"/dev/null\"\nfail\nnext"' \
    "$data/seed.json" | sed '$d' >"$data/clients.curl"
  curl -sS --no-progress-meter --parallel --parallel-max 16 -K "$data/clients.curl"
  number=$(count 'SELECT count(*) FROM app_token_schedule')
  ((number >= clients)) || die "only $number of $clients clients were made"
}

measure_refresher() {
  prepare_clients
  stop_processes 1 wechat-simulator
  start_process wechat-simulator "$programs/wechat-simulator" --listen "127.0.0.1:$wechat_port" --seed "$data/seed.json"
  wait_until_ready wechat-simulator "$wechat/_sim/health" 60
  curl -sS -f --json "$(jq -nc --arg a "$app_id" --arg s "$app_secret" \
    '{appid: $a, secret: $s, kind: "miniapp", open_platform_account: "bench"}')" "$wechat/_sim/apps" >/dev/null
  curl -sS -f --json '{"endpoint":"cgi-bin/stable_token","kind":"delay","delay_ms":5}' "$wechat/_sim/faults" >/dev/null
  say "==> token refresher"
  began=$(date +%s%N)
  start_worker qiao-token-refresher
  wait_for_count tokens "SELECT count(*) FROM wechat_app_tokens WHERE expires_at > now()" "$((clients + 1))"
  rate_row "app token refresh, WeChat after 5 ms: claim, call, seal, store" "$clients" 2000 5000
  calls=$(curl -sS -f "$wechat/_sim/counters" | jq '[.. | objects | select(.endpoint? == "cgi-bin/stable_token") | .count] | add')
  say "    WeChat was called $calls times"
  count "UPDATE app_token_schedule SET refresh_at = now() + random() * interval '5000 seconds'" >/dev/null
  local before
  before=$(cpu_of "${process_ids[qiao-token-refresher]}")
  sleep 20
  limit "processor of the refresher with $clients apps in steady state, % of a core" \
    "$(awk "BEGIN { printf \"%.2f\", ($(cpu_of "${process_ids[qiao-token-refresher]}") - $before) / 20 }")" 5 1
  count "UPDATE app_token_schedule SET refresh_at = now()" >/dev/null
  disturbs 'the token refresher'
  limit 'memory of the token refresher, peak, MB' "$(peak_memory qiao-token-refresher)" 256 128
  stop_processes 5 qiao-token-refresher
}

# Swept while people log in: what a login feels is measured in the middle of it.
measure_expirer() {
  say "==> session expirer, $stored_rows expired sessions"
  cluster_psql "$data/postgres" "$cluster_database" -q -v rows="$stored_rows" -v tenant="$tenant_id" \
    -v application="$application" -v client="$client" -f "$bench_lua/expired.sql" >&2
  count 'VACUUM (ANALYZE) sessions' >/dev/null
  local before
  before=$(count "SELECT count(*) FROM sessions WHERE expires_at < now()")
  began=$(date +%s%N)
  start_worker qiao-session-expirer
  disturbs 'the session expirer'
  ((stored_rows <= 1000000)) || disturbs 'the session expirer (again)'
  wait_for_count 'expired sessions' "SELECT count(*) FROM sessions WHERE expires_at < now() - interval '30 seconds'" 0
  rate_row 'session expiry in the order the rows lie, logins beside it' "$before" 30000 110000
  limit 'memory of the session expirer, peak, MB' "$(peak_memory qiao-session-expirer)" 256 128
  stop_processes 5 qiao-session-expirer
}

measure_reconciler() {
  say "==> profile reconciler, $people people"
  cluster_psql "$data/postgres" "$cluster_database" -q -v rows="$people" -v tenant="$tenant_id" \
    -v application="$application" -v client="$client" -v app="$app_id" -f "$bench_lua/people.sql" >&2
  start_worker qiao-profile-reconciler
  local run
  began=$(date +%s%N)
  run=$(post /t/bench/v1/reconciliations "$key" \
    "{\"identity_application_id\":\"$application\",\"mode\":\"report\"}" | jq -r .id)
  wait_for_count 'reconciliation' "SELECT count(*) FROM reconciliations WHERE id = '$run' AND status = 'succeeded'" 1
  rate_row 'reconcile: scan and compare, nothing changed' "$people" 50000 200000
  limit 'memory of the profile reconciler, peak, MB' "$(peak_memory qiao-profile-reconciler)" 256 128
  stop_processes 5 qiao-profile-reconciler
}

bench_workers() {
  workers=''
  quiet_p99=$(login_p99)
  say "    login p99 when nothing else runs: $quiet_p99 µs"
  measure_refresher
  measure_expirer
  measure_reconciler
  cat <<TABLE

Qiao $("$programs/qiao" --version), $(nproc) cores, PostgreSQL $(cluster_psql "$data/postgres" postgres -Atc 'SHOW server_version'), everything on one machine. WeChat was called $calls times for $((clients + 1)) apps.

| work | measured | rate | floor | goal | reached |
|---|---|---|---|---|---|
$workers
| what stays small | measured | floor | goal | reached |
|---|---|---|---|---|
$limits
TABLE
}
