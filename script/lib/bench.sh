# shellcheck shell=bash
# Measuring for script/bench: a load, what it did, and what it cost.

bench_lua=$root/script/lib/bench
seconds=5

# cpu_of PID…: user and system time of processes so far, in hundredths of a second (proc(5); the kernel's USER_HZ is 100).
cpu_of() {
  local pid total=0 stat
  for pid in "$@"; do
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
    stat=${stat##*) }
    # shellcheck disable=SC2086
    set -- $stat
    total=$((total + ${12} + ${13}))
  done
  echo "$total"
}

database_processes() { cluster_processes "$(cluster_home "$data/postgres")/data"; }

# measure CONNECTIONS URL SCRIPT ARGUMENT…: sends for $seconds and leaves in
#   rate       answers a second             failed   answers of 400 and more, and lost connections
#   p50, p99   microseconds                 cpu_server, cpu_database   microseconds of processor time an answer
measure() {
  local connections=$1 url=$2 script=$3 threads=$1 line before_server before_database done_ took failed_
  shift 3
  # A thread of wrk can send for many connections, unless a request is made of the last answer.
  [[ $script != fixed && $script != lines ]] || threads=2
  ((threads <= 16)) || threads=16
  ((threads <= connections)) || threads=$connections
  before_server=$(cpu_of "${process_ids[qiao-server]}")
  # shellcheck disable=SC2046
  before_database=$(cpu_of $(database_processes))
  line=$(BENCH_LUA=$bench_lua BENCH_THREADS=$threads wrk -t"$threads" -c"$connections" -d"${seconds}s" --timeout 10s \
    -s "$bench_lua/$script.lua" "$url" -- "$@" | grep '^RESULT ') || die "the load on $url broke"
  read -r _ done_ took failed_ p50 p99 <<<"$line"
  failed=$failed_
  rate=$(awk "BEGIN { print int($done_ * 1000000 / $took) }")
  cpu_server=$((($(cpu_of "${process_ids[qiao-server]}") - before_server) * 10000 / (done_ > 0 ? done_ : 1)))
  # shellcheck disable=SC2046
  cpu_database=$((($(cpu_of $(database_processes)) - before_database) * 10000 / (done_ > 0 ? done_ : 1)))
  ((done_ > 0 && failed * 1000 <= done_)) || die "$failed of $done_ requests to $url with $script.lua failed"
}

# pgbench_rate FILE CLIENTS: transactions a second of a script in the database of the ceilings.
pgbench_rate() {
  PGPASSWORD=$(cat "$data/postgres/password") "$(cluster_tool "$(cluster_home "$data/postgres")" pgbench)" \
    -n -M prepared -c "$2" -j 2 -T "$seconds" -f "$1" -h 127.0.0.1 -p "$(cat "$data/postgres/port")" \
    -U "$cluster_superuser" ceilings 2>/dev/null | sed -n -E 's/^tps = ([0-9]+).*/\1/p'
}

# memory_of NAME: resident megabytes of a process.
memory_of() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/${process_ids[$1]}/status"; }

ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }

# row OPERATION RATE P50_AT_1 P99 CPU CEILING RATIO FLOOR GOAL: a line of the table, with whether the floor is met.
table=''
row() {
  local verdict=floor
  if awk "BEGIN { exit !($7 >= $9) }"; then
    verdict=goal
  elif ! awk "BEGIN { exit !($7 >= $8) }"; then
    verdict=BELOW
  fi
  table+=$(printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |' "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" "$verdict")$'\n'
  say "    $1: $2/s, p50 $3 ms, CPU $5 µs, ratio $7 (floor $8, goal $9): $verdict"
}

# limit WHAT VALUE FLOOR GOAL: a line for what has to stay small.
limits=''
limit() {
  local verdict=floor
  if awk "BEGIN { exit !($2 <= $4) }"; then
    verdict=goal
  elif ! awk "BEGIN { exit !($2 <= $3) }"; then
    verdict=ABOVE
  fi
  limits+="| $1 | $2 | $3 | $4 | $verdict |"$'\n'
  say "    $1: $2 (floor $3, goal $4): $verdict"
}
