-- What bounds the server: the same writes in the same shape, by pgbench, without an identity service in front.
CREATE TABLE identities (id bigint PRIMARY KEY, seen timestamptz, body text) WITH (fillfactor = 80);
CREATE TABLE sessions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), identity bigint, expires timestamptz);
CREATE TABLE grants (id bigint PRIMARY KEY, secret bytea, generation int, rotated timestamptz) WITH (fillfactor = 80);
INSERT INTO identities SELECT n, now(), repeat('x', 200) FROM generate_series(1, :rows) n;
INSERT INTO grants SELECT n, sha256(n::text::bytea), 0, now() FROM generate_series(1, :rows) n;
CREATE TABLE grant_rows (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), session uuid, secret bytea);
VACUUM ANALYZE;
