# shellcheck shell=bash
# The database of script/server: the private cluster, or the server that QIAO_DATABASE_URL names.

own_cluster=false
worker_database_url=''

# prepare_database: afterwards QIAO_DATABASE_URL and QIAO_ADMIN_DATABASE_URL (where there is one) are usable.
prepare_database() {
  if is_set QIAO_DATABASE_URL; then
    use_given_server
  else
    use_own_cluster
  fi
  # From here on nobody gets them by accident: each process is given the file it needs.
  export -n QIAO_DATABASE_URL QIAO_ADMIN_DATABASE_URL
  write_secret "$data/secrets/database-url" "$QIAO_DATABASE_URL"
  write_secret "$data/secrets/worker-database-url" "${worker_database_url:-$QIAO_DATABASE_URL}"
}

use_own_cluster() {
  say "==> starting PostgreSQL"
  # Already now: Ctrl-C while it starts has to stop it as well.
  own_cluster=true
  cluster_start "$data/postgres" 9>&-
  ln -sfn "$(cluster_home "$data/postgres")/data/log/postgresql.log" "$data/logs/postgres.log"
  QIAO_ADMIN_DATABASE_URL=$(cluster_url "$data/postgres")
  migrate
  give_passwords
}

# A server of somebody else's. With an administrator's URI beside it, or as itself, it is migrated; without one it has to be.
use_given_server() {
  QIAO_DATABASE_URL=$(setting QIAO_DATABASE_URL)
  QIAO_ADMIN_DATABASE_URL=$(setting QIAO_ADMIN_DATABASE_URL)
  unset QIAO_DATABASE_URL_FILE QIAO_ADMIN_DATABASE_URL_FILE
  local may_administer
  if [[ -n $QIAO_ADMIN_DATABASE_URL ]]; then
    migrate
    psql_at "$QIAO_DATABASE_URL" -qc '' ||
      die "QIAO_DATABASE_URL cannot log in; as administrator set the password of its role (ALTER ROLE qiao_app PASSWORD …)"
  elif may_administer=$(psql_at "$QIAO_DATABASE_URL" -Atc \
    'SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user') && [[ $may_administer == t ]]; then
    # The server must not run as somebody who can get around row-level security.
    QIAO_ADMIN_DATABASE_URL=$QIAO_DATABASE_URL
    migrate
    give_passwords
    say "QIAO_DATABASE_URL is an administrator's: it migrates, and the server logs in as qiao_app"
  elif [[ -n $may_administer ]]; then
    say "QIAO_ADMIN_DATABASE_URL is not set: the database has to be migrated already"
  else
    die "QIAO_DATABASE_URL cannot be reached"
  fi
}

migrate() {
  say "==> migrating"
  QIAO_ADMIN_DATABASE_URL=$QIAO_ADMIN_DATABASE_URL "$programs/qiao" migrate --sql "$root/sql" >&2
}

# give_passwords: to the roles that log in. The workers have one of their own.
give_passwords() {
  local app worker
  app=$(keep_secret "$data/secrets/app-password" new_password)
  worker=$(keep_secret "$data/secrets/worker-password" new_password)
  psql_at "$QIAO_ADMIN_DATABASE_URL" -q \
    <<<"ALTER ROLE qiao_app PASSWORD '$app'; ALTER ROLE qiao_worker PASSWORD '$worker';"
  QIAO_DATABASE_URL=$(url_as "$QIAO_ADMIN_DATABASE_URL" qiao_app "$app")
  worker_database_url=$(url_as "$QIAO_ADMIN_DATABASE_URL" qiao_worker "$worker")
}

# url_as URL ROLE PASSWORD: the same servers and database, another role.
url_as() {
  local rest=${1#*://}
  [[ $1 != *[?\&]user=* ]] || die "the URI of the database names its user after the question mark; put it before the host"
  local authority=${rest%%[/?]*}
  echo "postgresql://$2:$3@${authority##*@}${rest#"$authority"}"
}

# psql_at URL …: psql there. The password goes through the environment: arguments are public.
psql_at() (
  rest=${1#*://}
  shift
  authority=${rest%%[/?]*}
  user=''
  [[ $authority != *@* ]] || user=${authority%@*}
  if [[ $user == *:* ]]; then
    password=${user#*:}
    PGPASSWORD=$(printf '%b' "${password//%/\\x}")
    export PGPASSWORD
  fi
  export PGCONNECT_TIMEOUT=5
  psql -X -v ON_ERROR_STOP=1 -d "postgresql://${user:+${user%%:*}@}${authority##*@}${rest#"$authority"}" "$@"
)
