# shellcheck shell=bash
# The processes of a stack: each with its log, stopped in order, watched.

declare -A process_ids=()

# start_process NAME COMMAND…: in a session of its own, so that Ctrl-C in the terminal reaches this script alone, which then
# stops them in order; and with the wish to be stopped when this script is killed. It holds the lock of the data folder.
start_process() {
  local name=$1
  shift
  say "==> starting $name (log: $data/logs/$name.log)"
  setsid setpriv --pdeathsig TERM -- "$@" </dev/null >>"$data/logs/$name.log" 2>&1 &
  process_ids[$name]=$!
}

is_running() { kill -0 "${process_ids[$1]}" 2>/dev/null; }

# wait_for_end SECONDS NAME…: true when all of them have ended in time.
wait_for_end() {
  local deadline=$((SECONDS + $1)) name
  shift
  for name in "$@"; do
    while is_running "$name"; do
      ((SECONDS < deadline)) || return 1
      sleep 0.1
    done
  done
}

# stop_processes SECONDS NAME…: asks all of them to stop, and after SECONDS makes them.
stop_processes() {
  local limit=$1 name running=()
  shift
  for name in "$@"; do
    if [[ -n ${process_ids[$name]:-} ]] && is_running "$name"; then
      kill -TERM "${process_ids[$name]}" 2>/dev/null || true
      running+=("$name")
    fi
  done
  [[ ${#running[@]} -gt 0 ]] || return 0
  wait_for_end "$limit" "${running[@]}" && return 0
  for name in "${running[@]}"; do
    if is_running "$name"; then
      say "$name did not stop in time and was killed"
      kill -KILL "${process_ids[$name]}" 2>/dev/null || true
    fi
  done
}

# report_end NAME: says how a process that ended by itself ended, with the end of its log.
report_end() {
  local name=$1 code=0
  wait "${process_ids[$name]}" || code=$?
  say "$name ended by itself with code $code; the end of $data/logs/$name.log:"
  tail -n 20 "$data/logs/$name.log" >&2
}

# wait_until_ready NAME URL SECONDS: until URL answers 200, as long as the process lives.
wait_until_ready() {
  local name=$1 url=$2 deadline=$((SECONDS + $3))
  until [[ $(curl -s -o /dev/null -m 2 -w '%{http_code}' "$url") == 200 ]]; do
    if ! is_running "$name"; then
      report_end "$name"
      exit 1
    fi
    if ((SECONDS >= deadline)); then
      tail -n 20 "$data/logs/$name.log" >&2
      die "$url did not answer 200 within $3 s"
    fi
    sleep 0.1
  done
}
