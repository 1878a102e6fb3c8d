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

# worker_cpu NAME: processor time of a worker and of its connections' processes so far, in hundredths of a second.
worker_cpu() {
  # shellcheck disable=SC2046
  cpu_of "${process_ids[$1]}" $(count "SELECT pid FROM pg_stat_activity WHERE usename = 'qiao_worker'")
}

# rate_row WHAT NUMBER FLOOR GOAL [CPU]: NUMBER things in $took seconds, with the hundredths of a second of processor time they cost.
rate_row() {
  local per_second cost=-
  per_second=$(awk "BEGIN { print int($2 / $took) }")
  [[ -z ${5:-} ]] || cost=$(awk "BEGIN { printf \"%.1f\", $5 * 10000 / $2 }")
  workers+="| $1 | $2 in $(printf '%.2f' "$took") s | $per_second/s | $cost | $3 | $4 | $(verdict_of "$per_second" "$3" "$4") |"$'\n'
  say "    $1: $per_second/s, $cost µs of processor each (floor $3, goal $4)"
}

verdict_of() {
  awk "BEGIN { print ($1 >= $3) ? \"goal\" : ($1 >= $2) ? \"floor\" : \"BELOW\" }"
}

median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }

# login_p99 [COMMAND…]: of four connections, in microseconds: the median of five rounds of three seconds, before each of which the
# command is run.
login_p99() {
  local rounds=()
  for _ in 1 2 3 4 5; do
    login_bodies "$data/bodies" 15000
    [[ $# == 0 ]] || "$@" >/dev/null
    (seconds=3 && measure 4 "$url/t/bench/federation/wechat/miniapp/profile" lines "$data/bodies" json && echo "$p99") \
      >"$data/p99"
    rounds+=("$(cat "$data/p99")")
  done
  median "${rounds[@]}"
}

# disturbs WHAT [COMMAND…]: logins now against logins on a quiet machine.
disturbs() {
  local what=$1
  shift
  limit "login p99 while $what runs flat out, times quiet (both on the same two cores)" \
    "$(ratio "$(login_p99 "$@")" "$quiet_p99")" 4 2
}

# statement_times PATTERN: of the workers' statements that match, since the mark, in milliseconds, ascending.
mark_log() { log_mark=$(as_cluster wc -c "$data/postgres/data/log/postgresql.log" | awk '{ print $1 }'); }
statement_times() {
  as_cluster tail -c "+$((log_mark + 1))" "$data/postgres/data/log/postgresql.log" |
    sed -n -E "s/.* duration: ([0-9.]+) ms  execute .*$1.*/\1/p" | sort -g
}

# percentile SHARE: of ascending numbers on the input.
percentile() { awk -v share="$1" '{ n[NR] = $1 } END { print (NR == 0) ? "none" : n[int((NR - 1) * share) + 1] }'; }

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

make_tokens_due() { count "UPDATE app_token_schedule SET refresh_at = now() WHERE lease_owner IS NULL" >/dev/null; }

measure_refresher() {
  prepare_clients
  stop_processes 1 wechat-simulator
  start_process wechat-simulator "$programs/wechat-simulator" --listen "127.0.0.1:$wechat_port" --seed "$data/seed.json"
  wait_until_ready wechat-simulator "$wechat/_sim/health" 60
  curl -sS -f --json "$(jq -nc --arg a "$app_id" --arg s "$app_secret" \
    '{appid: $a, secret: $s, kind: "miniapp", open_platform_account: "bench"}')" "$wechat/_sim/apps" >/dev/null
  curl -sS -f --json '{"endpoint":"cgi-bin/stable_token","kind":"delay","delay_ms":5}' "$wechat/_sim/faults" >/dev/null
  # What a minute of autovacuum does.
  count ANALYZE >/dev/null
  say "==> token refresher"
  began=$(date +%s%N)
  start_worker qiao-token-refresher
  wait_for_count tokens "SELECT count(*) FROM wechat_app_tokens WHERE expires_at > now()" "$((clients + 1))"
  rate_row "app token refresh, WeChat after 5 ms: claim, call, seal, store" "$clients" 2000 5000 \
    "$(worker_cpu qiao-token-refresher)"
  calls=$(curl -sS -f "$wechat/_sim/counters" | jq '[.. | objects | select(.endpoint? == "cgi-bin/stable_token") | .count] | add')
  say "    WeChat was called $calls times"
  measure_steady_refresher
  disturbs 'the token refresher' make_tokens_due
  limit 'memory of the token refresher, peak, MB' "$(peak_memory qiao-token-refresher)" 256 128
  stop_processes 5 qiao-token-refresher
}

# Refreshes spread over an hour and a half, as their own times spread them; six windows of ten seconds.
measure_steady_refresher() {
  local before now windows=()
  count "UPDATE app_token_schedule SET refresh_at = now() + random() * interval '5000 seconds'" >/dev/null
  sleep 2
  before=$(worker_cpu qiao-token-refresher)
  for _ in 1 2 3 4 5 6; do
    sleep 10
    now=$(worker_cpu qiao-token-refresher)
    windows+=($((now - before)))
    before=$now
  done
  limit "processor of the refresher and its connections with $clients apps in steady state, % of a core" \
    "$(printf '%s\n' "${windows[@]}" | awk '{ all += $1 } END { printf "%.2f", all / NR / 10 }')" 5 1
  limit 'its busiest window of ten seconds, times the mean' \
    "$(printf '%s\n' "${windows[@]}" | awk '{ all += $1; if ($1 > most) most = $1 } END { printf "%.2f", most * NR / (all > 0 ? all : 1) }')" 2 2
}

store_expired() {
  cluster_psql "$data/postgres" "$cluster_database" -q -v rows="$1" -v tenant="$tenant_id" \
    -v application="$application" -v client="$client" -f "$bench_lua/expired.sql" >&2
  count 'VACUUM (ANALYZE) sessions' >/dev/null
}

wait_until_swept() {
  wait_for_count 'expired sessions' "SELECT count(*) FROM sessions WHERE expires_at < now() - interval '30 seconds'" 0
}

# Few rows alone, many while people log in, and a month that is over.
measure_expirer() {
  local few=100000 few_cpu few_memory many_cpu
  say "==> session expirer, $few and $stored_rows expired sessions"
  count "ALTER ROLE qiao_worker SET log_min_duration_statement = 0" >/dev/null
  count "ALTER SYSTEM SET log_lock_waits = on" >/dev/null
  count "ALTER SYSTEM SET deadlock_timeout = '100ms'" >/dev/null
  count "SELECT pg_reload_conf()" >/dev/null
  store_expired "$few"
  start_worker qiao-session-expirer
  wait_until_swept
  few_cpu=$(worker_cpu qiao-session-expirer)
  few_memory=$(peak_memory qiao-session-expirer)
  stop_processes 5 qiao-session-expirer

  store_expired "$stored_rows"
  mark_log
  began=$(date +%s%N)
  start_worker qiao-session-expirer
  disturbs 'the session expirer'
  wait_until_swept
  many_cpu=$(worker_cpu qiao-session-expirer)
  rate_row 'session expiry in the order the rows lie, logins beside it' "$stored_rows" 30000 110000 "$many_cpu"
  limit 'a batch of the sweep, p99, ms' "$(statement_times sweep_blocks | percentile 0.99)" 250 50
  limit "exponent of a row's cost from $few to $stored_rows" \
    "$(awk "BEGIN { e = log(($many_cpu / $stored_rows) / ($few_cpu / $few)) / log($stored_rows / $few); printf \"%.3f\", e < 0 ? 0 : e }")" \
    0.15 0.05
  limit 'memory of the session expirer, peak, MB' "$(peak_memory qiao-session-expirer)" 256 128
  limit "growth of that from $few to $stored_rows rows, %" \
    "$(awk "BEGIN { printf \"%.1f\", ($(peak_memory qiao-session-expirer) - $few_memory) * 100 / $few_memory }")" 5 5

  stop_processes 5 qiao-session-expirer
  local month=$((stored_rows / 4))
  cluster_psql "$data/postgres" "$cluster_database" -q -v rows="$month" -v tenant="$tenant_id" \
    -v application="$application" -v client="$client" -f "$bench_lua/past_month.sql" >&2
  mark_log
  start_worker qiao-session-expirer
  login_p99 >/dev/null
  wait_for_count 'months that are over' \
    "SELECT count(*) FROM pg_class WHERE relname = 'sessions_' || to_char(now() - interval '5 months', 'YYYYMM')" 0
  limit "a month of $month sessions read and dropped, s" \
    "$(statement_times drop_past_partition | percentile 1 | awk '{ printf "%.2f", $1 / 1000 }')" 10 1
  limit 'logins that waited more than 100 ms for a lock meanwhile' \
    "$(as_cluster tail -c "+$((log_mark + 1))" "$data/postgres/data/log/postgresql.log" | grep -c 'still waiting' || true)" 0 0
  count "ALTER ROLE qiao_worker RESET log_min_duration_statement" >/dev/null
  stop_processes 5 qiao-session-expirer
}

measure_reconciler() {
  say "==> profile reconciler, $people people"
  cluster_psql "$data/postgres" "$cluster_database" -q -v rows="$people" -v tenant="$tenant_id" \
    -v application="$application" -v client="$client" -v app="$app_id" -f "$bench_lua/people.sql" >&2
  start_worker qiao-profile-reconciler
  began=$(date +%s%N)
  wait_for_run "$(reconcile)"
  rate_row 'reconcile: scan and compare, nothing changed' "$people" 50000 200000 "$(worker_cpu qiao-profile-reconciler)"
  disturbs 'the profile reconciler' reconcile
  limit 'memory of the profile reconciler, peak, MB' "$(peak_memory qiao-profile-reconciler)" 256 128
  stop_processes 5 qiao-profile-reconciler
  # The pages of changed people come from WeChat at WeChat's pace; what is measured is the statement that stores them.
  local changed folder=$root/Sources/Identity/Reconciliation
  read -r took changed <<<"$(cluster_psql "$data/postgres" "$cluster_database" -v rows="$people" -v tenant="$tenant_id" \
    -v application="$application" -v page="$(sed -n 's/.*let pageSize = //p' "$folder/Reconciler.swift")" \
    -v store="$(sed -n '/struct StoreFindings/,/^    """/p' "$folder/StoreFindings.swift" | sed -e '1,/"""/d' -e '/"""/d')" \
    -f "$bench_lua/changed.sql")"
  [[ $changed == "$people" ]] || die "only $changed of $people people were changed"
  rate_row 'reconcile: write changed users' "$people" 20000 40000
}

reconcile() {
  post /t/bench/v1/reconciliations "$key" "{\"identity_application_id\":\"$application\",\"mode\":\"report\"}" | jq -r .id
}

wait_for_run() {
  wait_for_count 'reconciliation' "SELECT count(*) FROM reconciliations WHERE id = '$1' AND status = 'succeeded'" 1
}

bench_workers() {
  workers=''
  quiet_p99=$(login_p99)
  say "    login p99 when nothing else runs: $quiet_p99 µs"
  measure_refresher
  measure_expirer
  measure_reconciler
  cat <<TABLE

Qiao $("$programs/qiao" --version), $(nproc) cores, PostgreSQL $(cluster_psql "$data/postgres" postgres -Atc 'SHOW server_version'), everything on one machine. WeChat was called $calls times for $((clients + 1)) apps. Logins' p99 on the quiet machine: $quiet_p99 µs.

| work | measured | rate | processor each, µs | floor | goal | reached |
|---|---|---|---|---|---|---|
$workers
| what stays small | measured | floor | goal | reached |
|---|---|---|---|---|
$limits
TABLE
}
