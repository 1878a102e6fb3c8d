-- Sessions of a month that is long over, in a partition of its own, all past their life and their retention.
SELECT to_char(now() - interval '5 months', 'YYYYMM') AS month,
  date_trunc('month', (now() - interval '5 months') AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS first \gset
SET ROLE qiao_owner;
CREATE TABLE sessions_:month PARTITION OF sessions
  FOR VALUES FROM (uuidv7_floor(:'first')) TO (uuidv7_floor(:'first'::timestamptz + interval '1 month'));
RESET ROLE;
INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, client_id, amr, auth_time, last_seen_at,
  idle_expires_at, expires_at)
SELECT :'tenant', (lpad(to_hex((extract(epoch FROM :'first'::timestamptz) * 1000)::bigint + n), 12, '0') || '7'
    || substr(md5(n::text), 1, 3) || '8' || substr(md5((n + 1)::text), 1, 15))::uuid,
  :'application', gen_random_uuid(), :'client', '{wechat}', :'first', :'first', :'first', :'first'::timestamptz + interval '1 day'
FROM generate_series(1, :rows) n;
