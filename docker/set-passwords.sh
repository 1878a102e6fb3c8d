#!/bin/bash
# Run once by the postgres image when it makes its cluster, after roles.sql: the roles get the passwords of the secrets.
set -euo pipefail

psql -X -q -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
ALTER ROLE qiao_app PASSWORD '$(cat /run/secrets/app-password)';
ALTER ROLE qiao_worker PASSWORD '$(cat /run/secrets/worker-password)';
SQL
