-- Live sessions and grants of people who are not there: only their number matters. Ids are UUIDv7 of the last minute.
CREATE TEMP TABLE made AS
  SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - n % 60000), 12, '0') || '7'
      || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid AS id,
    gen_random_uuid() AS person
  FROM generate_series(1, :rows) n;
INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, client_id, amr, auth_time, last_seen_at,
  idle_expires_at, expires_at)
SELECT :'tenant', id, :'application', person, :'client', '{wechat}', now(), now(), now() + interval '1 day',
  now() + interval '30 days'
FROM made ORDER BY id;
INSERT INTO grants (tenant_id, id, identity_application_id, user_id, client_id, session_id, scope, secret_hash, rotated_at,
  idle_expires_at, expires_at)
SELECT :'tenant', id, :'application', person, :'client', id, 'openid profile', sha256(id::text::bytea), now(),
  now() + interval '1 day', now() + interval '30 days'
FROM made ORDER BY id;
ANALYZE sessions;
ANALYZE grants;
