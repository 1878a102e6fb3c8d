# shellcheck shell=bash
# What every script here shares: talking to the person, free ports, secrets that are made once.

say() { printf '%s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# port_is_free PORT: true when a server could listen on 127.0.0.1:PORT now. Binding is the only honest question:
# a list of listeners says nothing about another network namespace's rules or a socket in a closing state.
port_is_free() {
  perl -MIO::Socket::INET -e '
    exit !IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], ReuseAddr => 1)' "$1" 2>/dev/null
}

# free_port: a free port below the range from which the kernel takes ports for outgoing connections.
# From inside that range a client that keeps trying to reconnect can be handed the server's own port and talk to itself.
free_port() {
  local port
  for _ in {1..200}; do
    port=$((15000 + (RANDOM * 32768 + RANDOM) % 17000))
    if port_is_free "$port"; then
      printf '%s\n' "$port"
      return
    fi
  done
  die "no free port between 15000 and 32000"
}

# random_hex BYTES: from the kernel's generator, safe inside a URI and inside a quoted SQL literal.
random_hex() { od -An -vtx1 -N"$1" /dev/urandom | tr -d ' \n'; }

# keep_secret FILE COMMAND…: the content of FILE; the first time, what COMMAND prints is put there with mode 0600.
keep_secret() {
  local file=$1
  shift
  if [[ ! -s $file ]]; then
    (umask 077 && "$@" >"$file.new" && mv "$file.new" "$file")
  fi
  cat "$file"
}

# write_secret FILE TEXT: replaces FILE at once, mode 0600.
write_secret() {
  (umask 077 && printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1")
}

# make_folder DIR: DIR and missing parents. Run by root they may be walked through (not listed) by the unprivileged
# user PostgreSQL runs as; otherwise they are the owner's alone. A folder that is already there keeps its mode.
make_folder() {
  local mode=700
  [[ $EUID -eq 0 ]] && mode=711
  local folder=$1 missing=()
  while [[ ! -d $folder ]]; do
    missing=("$folder" "${missing[@]}")
    folder=$(dirname "$folder")
  done
  for folder in "${missing[@]}"; do
    mkdir -m "$mode" "$folder"
  done
}
