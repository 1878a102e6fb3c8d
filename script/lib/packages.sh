# shellcheck shell=bash
# The Debian packages that building and running need, installed only when something is missing.

needed_packages=(ca-certificates curl git jq libcurl4-openssl-dev libpq-dev libssl-dev pkg-config postgresql)

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# apt_get …: apt-get as root, without questions.
apt_get() {
  local become_root=()
  [[ $EUID -eq 0 ]] || become_root=(sudo)
  "${become_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >&2
}

# without_main_cluster: PostgreSQL's package would create and start a cluster of its own on port 5432, which nobody here uses.
without_main_cluster() {
  local become_root=()
  [[ $EUID -eq 0 ]] || become_root=(sudo)
  is_installed postgresql-common || apt_get install --no-install-recommends postgresql-common
  "${become_root[@]}" sed -i -E 's/^#?\s*create_main_cluster\s*=.*/create_main_cluster = false/' \
    /etc/postgresql-common/createcluster.conf
}

ensure_packages() {
  if ! command -v dpkg-query >/dev/null; then
    require_commands
    return
  fi
  local package missing=()
  for package in "${needed_packages[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
    die "these packages are missing; as root run: apt-get install ${missing[*]}"
  fi
  say "==> installing ${missing[*]}"
  apt_get update
  if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    without_main_cluster
  fi
  apt_get install --no-install-recommends "${missing[@]}"
}

# Elsewhere than on Debian: say what has to be there.
require_commands() {
  local command missing=()
  for command in curl git jq pkg-config pg_config; do
    command -v "$command" >/dev/null || missing+=("$command")
  done
  [[ ${#missing[@]} -eq 0 ]] ||
    die "this is not a Debian system and these commands are missing: ${missing[*]} (and the headers of libpq, libcurl and OpenSSL)"
}

require_swift() {
  command -v swift >/dev/null ||
    die "swift is not in PATH; Swift 6.3 or newer is needed, see https://www.swift.org/install/linux/"
  local version
  version=$(swift --version 2>/dev/null | sed -n -E 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
  local major minor
  read -r major minor <<<"$version"
  if ((${major:-0} < 6 || (major == 6 && minor < 3))); then
    die "Swift 6.3 or newer is needed; this is ${version/ /.}"
  fi
}
