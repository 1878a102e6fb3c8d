\set n random(1, 100000)
WITH seen AS (UPDATE identities SET seen = now() WHERE id = :n RETURNING id), session AS (INSERT INTO sessions (identity, expires) SELECT id, now() FROM seen RETURNING id) INSERT INTO grant_rows (session, secret) SELECT id, sha256(id::text::bytea) FROM session;
