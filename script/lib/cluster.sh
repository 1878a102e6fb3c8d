# shellcheck shell=bash
# A private PostgreSQL cluster under a folder of the checkout. Never touches a cluster it did not create.
#
# DIR/data        the cluster, or DIR/location holds the path of the folder where it had to go (see choose_home)
# DIR/port        the TCP port on 127.0.0.1, remembered
# DIR/password    the superuser's password, mode 0600
#
# Everything the server needs stands in its own configuration, so `pg_ctl restart -D …` works as well.

cluster_superuser=postgres
cluster_database=qiao

# PostgreSQL refuses to run as root; then its own user, or nobody, runs it.
cluster_user() {
  if [[ $EUID -ne 0 ]]; then
    id -un
  elif id postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# as_cluster COMMAND…: as the user that owns the cluster, from a folder every user can be in.
as_cluster() (
  cd /
  [[ $EUID -eq 0 ]] || exec "$@"
  user=$(cluster_user)
  exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- env HOME=/ "$@"
)

# cluster_tool DIR NAME: the path of a PostgreSQL program of the version that made the cluster, else of the newest.
cluster_tool() {
  local data=$1/data bin version
  if version=$(as_cluster cat "$data/PG_VERSION" 2>/dev/null) && [[ -x /usr/lib/postgresql/$version/bin/$2 ]]; then
    echo "/usr/lib/postgresql/$version/bin/$2"
    return
  fi
  bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
  [[ -n $bin ]] || bin=$(pg_config --bindir 2>/dev/null) || die "PostgreSQL is not installed"
  [[ -x $bin/$2 ]] || die "$bin/$2 is missing; install the PostgreSQL server, version 15 or newer"
  echo "$bin/$2"
}

# cluster_home DIR: the folder that holds `data`. It is DIR, unless root runs us in a place the cluster's user cannot reach,
# like a checkout under /root: then a folder under /var/lib made once and remembered in DIR/location.
cluster_home() {
  if [[ -s $1/location ]]; then
    cat "$1/location"
  else
    realpath "$1"
  fi
}

choose_home() {
  local dir=$1 home
  home=$(cluster_home "$dir")
  if [[ -s $dir/location ]]; then
    claim_home "$dir" "$home"
  elif [[ $EUID -ne 0 ]]; then
    :
  elif as_cluster test -x "$home"; then
    [[ -d $home/data ]] || install -d -m 700 -o "$(cluster_user)" -g "$(id -g "$(cluster_user)")" "$home/data"
  else
    install -d -m 711 /var/lib/qiao
    home=$(mktemp -d /var/lib/qiao/XXXXXXXX)
    chown "$(cluster_user)" "$home"
    realpath "$dir" >"$home/used-by"
    echo "$home" >"$dir/location"
    say "PostgreSQL cannot reach $dir as user $(cluster_user): its data goes to $home"
  fi
}

# claim_home DIR HOME: a checkout that was moved takes its data along; one that was copied must not share it.
claim_home() {
  local dir home=$2 owner
  dir=$(realpath "$1")
  [[ -d $home ]] || die "the data of $dir was in $home, which is gone; remove $dir to start afresh"
  owner=$(cat "$home/used-by")
  if [[ $owner != "$dir" && -s $owner/location && $(cat "$owner/location") == "$home" ]]; then
    die "$dir is a copy of $owner and would share its data in $home; remove $dir to start afresh"
  fi
  echo "$dir" >"$home/used-by"
}

# cluster_processes DATA: the ids of the PostgreSQL processes that work in DATA. Each has it as its working folder, which,
# unlike the number in postmaster.pid, cannot belong to somebody else's process. Asked as the owner, who alone may look.
cluster_processes() {
  # shellcheck disable=SC2016
  as_cluster bash -c '
    find /proc -mindepth 2 -maxdepth 2 -path "/proc/[0-9]*/cwd" -lname "$(realpath "$0")" -printf "%h\n" |
      while read -r process; do
        [[ $(<"$process/comm") != postgres ]] || echo "${process#/proc/}"
      done' "$1" 2>/dev/null || true
}

# postmaster_pid DATA: the id of the running postmaster of DATA, else nothing.
postmaster_pid() {
  local pid
  pid=$(as_cluster head -n 1 "$1/postmaster.pid" 2>/dev/null) || return 0
  if grep -qx "$pid" <<<"$(cluster_processes "$1")"; then
    echo "$pid"
  fi
}

cluster_is_running() { [[ -n $(postmaster_pid "$(cluster_home "$1")/data") ]]; }

# After kill -9 the number in the lock files may belong to another program by now, and then PostgreSQL would not start.
# They go only once no process of the old server is left: orphaned back ends still write.
clear_stale_pid_file() {
  local data=$1
  as_cluster test -e "$data/postmaster.pid" || return 0
  for _ in {1..100}; do
    if [[ -z $(cluster_processes "$data") ]]; then
      as_cluster find "$data" -maxdepth 1 '(' -name postmaster.pid -o -name '.s.PGSQL.*' ')' -delete
      return
    fi
    sleep 0.1
  done
  die "the server of $data is gone but processes of it are still running: $(cluster_processes "$data" | tr '\n' ' ')"
}

create_cluster() {
  local dir=$1 home=$2 initdb
  initdb=$(cluster_tool "$home" initdb)
  say "==> creating a PostgreSQL cluster in $home/data"
  # A folder left by an initdb that was interrupted has no mark of ours; initdb wants it empty.
  as_cluster find "$home/data" -mindepth 1 -delete 2>/dev/null || true
  # shellcheck disable=SC2016
  keep_secret "$dir/password" random_hex 24 | as_cluster bash -c '
    umask 077
    exec 3<&0
    said=$("$0" --pgdata="$1" --username="$2" --pwfile=<(cat <&3) --auth=scram-sha-256 \
      --encoding=UTF8 --locale=C.UTF-8 --data-checksums 2>&1) || { echo "$said" >&2; exit 1; }
    echo "include_if_exists = '\''qiao.conf'\''" >>"$1/postgresql.conf"
    touch "$1/qiao.complete"' "$initdb" "$home/data" "$cluster_superuser"
}

# configure_cluster DIR HOME PORT [name=value…]
configure_cluster() {
  local dir=$1 home=$2 port=$3 setting
  shift 3
  {
    cat <<SETTINGS
# Written at each start by script/lib/cluster; changes go after the name on its command line.
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$(socket_folder "$home")'
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql.log'
log_rotation_age = 0
log_rotation_size = 0
log_line_prefix = '%m [%p] %q%u@%d '
# The details of an error hold the values of the row, which are people's data.
log_error_verbosity = terse
SETTINGS
    for setting in "$@"; do
      printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"
    done
  } | as_cluster tee "$home/data/qiao.conf" >/dev/null
  echo "$port" >"$dir/port"
}

# The path of a Unix socket has 107 bytes at most; without room there is TCP only.
socket_folder() {
  local path=$1/data
  if ((${#path} <= 80)); then
    echo "$path"
  fi
}

# choose_port DIR WANTED: the wanted one; else the remembered one if nobody took it meanwhile; else a free one.
choose_port() {
  local remembered
  if [[ -n ${2:-} ]]; then
    port_is_free "$2" || die "port $2 is taken"
    echo "$2"
  elif remembered=$(cat "$1/port" 2>/dev/null) && port_is_free "$remembered"; then
    echo "$remembered"
  else
    free_port
  fi
}

# cluster_start DIR [PORT] [name=value…]: nothing to do when it runs already.
cluster_start() {
  local dir=$1 wanted='' home data pg_ctl port
  shift
  if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    wanted=$1
    shift
  fi
  make_folder "$dir"
  dir=$(realpath "$dir")
  exec 8>"$dir/lock"
  flock 8
  choose_home "$dir"
  home=$(cluster_home "$dir")
  data=$home/data
  as_cluster test -e "$data/qiao.complete" || create_cluster "$dir" "$home"
  if ! cluster_is_running "$dir"; then
    clear_stale_pid_file "$data"
    port=$(choose_port "$dir" "$wanted")
    configure_cluster "$dir" "$home" "$port" "$@"
    pg_ctl=$(cluster_tool "$home" pg_ctl)
    if ! as_cluster "$pg_ctl" start --pgdata="$data" --wait --timeout=120 --log="$data/start.log" >/dev/null 8>&-; then
      as_cluster tail -n 20 "$data/start.log" "$data/log/postgresql.log" >&2 || true
      die "PostgreSQL did not start"
    fi
  fi
  create_database "$dir"
  exec 8>&-
}

create_database() {
  local found
  found=$(cluster_psql "$1" postgres -Atc "SELECT 1 FROM pg_database WHERE datname = '$cluster_database'")
  [[ $found == 1 ]] || cluster_psql "$1" postgres -qc "CREATE DATABASE $cluster_database"
}

# cluster_psql DIR DATABASE …: psql as the superuser. The password goes through the environment: arguments are public.
cluster_psql() {
  local dir=$1 database=$2
  shift 2
  PGPASSWORD=$(cat "$dir/password") "$(cluster_tool "$(cluster_home "$dir")" psql)" -X -v ON_ERROR_STOP=1 \
    -h 127.0.0.1 -p "$(cat "$dir/port")" -U "$cluster_superuser" -d "$database" "$@"
}

# cluster_stop DIR [fast|immediate [SECONDS]]: fast rolls back what runs and writes everything; immediate is a crash.
cluster_stop() {
  local dir=$1 mode=${2:-fast} limit=${3:-60} home
  [[ -d $dir ]] || return 0
  cluster_is_running "$dir" || return 0
  home=$(cluster_home "$dir")
  as_cluster "$(cluster_tool "$home" pg_ctl)" stop --pgdata="$home/data" --mode="$mode" --wait --timeout="$limit" >/dev/null
}

# cluster_restart DIR [fast|immediate]: same port, same settings.
cluster_restart() {
  local dir=$1 home
  home=$(cluster_home "$dir")
  if cluster_is_running "$dir"; then
    as_cluster "$(cluster_tool "$home" pg_ctl)" restart --pgdata="$home/data" --mode="${2:-fast}" --wait \
      --timeout=120 --log="$home/data/start.log" >/dev/null
  else
    clear_stale_pid_file "$home/data"
    as_cluster "$(cluster_tool "$home" pg_ctl)" start --pgdata="$home/data" --wait --timeout=120 \
      --log="$home/data/start.log" >/dev/null
  fi
}

# cluster_kill DIR: SIGKILL to every process of it at once, as if the machine lost power.
cluster_kill() {
  local processes
  processes=$(cluster_processes "$(cluster_home "$1")/data")
  # shellcheck disable=SC2086
  [[ -z $processes ]] || kill -9 $processes
}

# cluster_url DIR [ROLE PASSWORD]: a libpq URI, of the superuser unless a role is named.
cluster_url() {
  local role=${2:-$cluster_superuser} password=${3:-}
  [[ -n $password ]] || password=$(cat "$1/password")
  echo "postgresql://$role:$password@127.0.0.1:$(cat "$1/port")/$cluster_database"
}

# cluster_remove DIR: stops it and deletes its data, wherever that is.
cluster_remove() {
  [[ -d $1 ]] || return 0
  local home
  home=$(cluster_home "$1")
  cluster_stop "$1" immediate || cluster_kill "$1"
  [[ ! -s $1/location ]] || rm -rf "$home"
  rm -rf "$1"
}
