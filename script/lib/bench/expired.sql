-- Sessions of people who are not there, past their life a moment ago, in the order their ids have.
INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, client_id, amr, auth_time, last_seen_at,
  idle_expires_at, expires_at)
SELECT :'tenant', (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - :rows / 100 + n / 100), 12, '0') || '7'
    || substr(md5(n::text), 1, 3) || '8' || substr(md5((n + 1)::text), 1, 15))::uuid,
  :'application', gen_random_uuid(), :'client', '{wechat}', now(), now(), now() - interval '1 minute',
  now() - interval '1 minute'
FROM generate_series(1, :rows) n;
