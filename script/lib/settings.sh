# shellcheck shell=bash
# The settings of the processes that script/server starts: what the person set wins, the rest is chosen once and remembered
# in the data folder. Secrets are handed over as files (NAME_FILE), so that they stand in no list of processes.

# setting NAME: the value of NAME, or of the file that NAME_FILE names, or nothing.
setting() {
  local file=${1}_FILE
  if [[ -n ${!1:-} ]]; then
    printf '%s\n' "${!1}"
  elif [[ -n ${!file:-} ]]; then
    cat "${!file}"
  fi
}

is_set() {
  local file=${1}_FILE
  [[ -n ${!1:-} || -n ${!file:-} ]]
}

# secret_file NAME FILE COMMAND…: unless NAME is set, what COMMAND prints becomes its value, kept in FILE.
secret_file() {
  local name=$1 file=$2
  shift 2
  is_set "$name" && return 0
  keep_secret "$file" "$@" >/dev/null
  export "${name}_FILE=$file"
}

new_master_keys() { printf 'k1:%s\n' "$(head -c 32 /dev/urandom | base64 -w 0)"; }

new_operator_token() { printf 'qo_%s\n' "$(random_hex 24)"; }

new_password() { random_hex 24; }

# ports_are_free FIRST COUNT: COUNT ports in a row.
ports_are_free() {
  local port
  for ((port = $1; port < $1 + $2; port++)); do
    port_is_free "$port" || return 1
  done
}

# listen_address NAME PORT [COUNT]: unless NAME is set, 127.0.0.1 and the port used last time, else PORT, else a free one.
listen_address() {
  local name=$1 wanted=$2 count=${3:-1} remembered="$data/ports/$1" port
  is_set "$name" && return 0
  port=$(cat "$remembered" 2>/dev/null) || port=$wanted
  if ! ports_are_free "$port" "$count"; then
    port=$wanted
  fi
  if ! ports_are_free "$port" "$count"; then
    until port=$(free_port) && ports_are_free "$port" "$count"; do :; done
    say "port $wanted is taken; $name is 127.0.0.1:$port"
  fi
  echo "$port" >"$remembered"
  export "$name=127.0.0.1:$port"
}

# local_url LISTEN: how this machine reaches a server that listens there.
local_url() {
  local host=${1%:*} port=${1##*:}
  case $host in
    '' | '*' | 0.0.0.0 | '[::]') host=127.0.0.1 ;;
  esac
  echo "http://$host:$port"
}
