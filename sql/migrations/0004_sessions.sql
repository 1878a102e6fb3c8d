-- What lives for a while and then is gone. These tables are partitioned by their UUIDv7 id, which is carried inside the
-- opaque token: a lookup touches one partition, and whole partitions can be dropped. They have no foreign keys, because
-- a check per row and a DROP that must look for references would cost what the partitions save; every reader joins the
-- user, the client and the session it depends on.

CREATE TABLE sessions (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  user_id uuid NOT NULL,
  client_id uuid,
  amr text[] NOT NULL,
  auth_time timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  idle_expires_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);

-- One row is one refresh token family: rotation changes it in place. `secret_hash` is the hash of the current token's
-- secret; every secret is derived from the one before (HMAC under a key of the server), so an older token can be told from
-- a forged one without a history.
CREATE TABLE grants (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  user_id uuid NOT NULL,
  client_id uuid NOT NULL,
  session_id uuid,
  scope text NOT NULL,
  secret_hash bytea NOT NULL,
  generation integer NOT NULL DEFAULT 0,
  rotated_at timestamptz NOT NULL,
  idle_expires_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  CONSTRAINT grants_pkey PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);

-- A federation transaction: the bind ticket and the federateCode. `purpose` keeps one from passing for the other.
CREATE TABLE federation_transactions (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  client_id uuid NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('bind', 'token')),
  secret_hash bytea NOT NULL,
  app_id text NOT NULL,
  openid text NOT NULL,
  unionid text,
  session_key_sealed bytea,
  user_id uuid,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT federation_transactions_pkey PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);

CREATE TABLE audit_events (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  action text NOT NULL,
  actor_type text NOT NULL CHECK (actor_type IN ('api_key', 'user', 'worker', 'operator', 'wechat')),
  actor_id text NOT NULL,
  target_type text NOT NULL,
  target_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  request_id text,
  details jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT audit_events_pkey PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
CREATE INDEX audit_events_target ON audit_events (tenant_id, target_id, id);

-- A WeChat code that was handed to us: taken before WeChat is asked, so that a code is exchanged once on all nodes.
-- `seed_sealed` holds what makes the same answer again for 10 s.
CREATE TABLE wechat_code_exchanges (
  tenant_id uuid NOT NULL,
  client_id uuid NOT NULL,
  code_hash bytea NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT now(),
  state text NOT NULL DEFAULT 'begun' CHECK (state IN ('begun', 'done')),
  seed_sealed bytea,
  user_id uuid,
  CONSTRAINT wechat_code_exchanges_pkey PRIMARY KEY (tenant_id, client_id, code_hash)
) WITH (fillfactor = 70);
CREATE INDEX wechat_code_exchanges_begun ON wechat_code_exchanges (begun_at);

CREATE TABLE revoked_access_tokens (
  tenant_id uuid NOT NULL,
  jti text NOT NULL CHECK (length(jti) <= 64),
  expires_at timestamptz NOT NULL,
  CONSTRAINT revoked_access_tokens_pkey PRIMARY KEY (tenant_id, jti)
);

CREATE TABLE idempotency_keys (
  tenant_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  request_hash bytea NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT now(),
  status integer,
  response_sealed bytea,
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, key_hash)
);

CREATE TABLE operator_idempotency_keys (
  key_hash bytea PRIMARY KEY,
  request_hash bytea NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT now(),
  status integer,
  response_sealed bytea
);
GRANT SELECT, INSERT, UPDATE, DELETE ON operator_idempotency_keys TO qiao_app, qiao_worker;

CALL isolate_tenant('sessions');
CALL isolate_tenant('grants');
CALL isolate_tenant('federation_transactions');
CALL isolate_tenant('audit_events');
CALL isolate_tenant('wechat_code_exchanges');
CALL isolate_tenant('revoked_access_tokens');
CALL isolate_tenant('idempotency_keys');

-- Rows for which no month was prepared land in the default partition, so that an insert never fails for want of one.
CREATE TABLE sessions_default PARTITION OF sessions DEFAULT;
CREATE TABLE grants_default PARTITION OF grants DEFAULT;
CREATE TABLE federation_transactions_default PARTITION OF federation_transactions DEFAULT;
CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;

-- Makes the monthly partitions from this month to `ahead` months on. Only the owner may run it (migrations, expirer).
CREATE FUNCTION prepare_partitions(ahead integer) RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = public, pg_temp
  AS $$
  DECLARE
    parent text;
    first_day timestamptz;
    child text;
    made integer := 0;
  BEGIN
    FOR step IN 0..ahead LOOP
      first_day := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => step);
      FOREACH parent IN ARRAY ARRAY['sessions', 'grants', 'federation_transactions', 'audit_events'] LOOP
        child := format('%s_%s', parent, to_char(first_day AT TIME ZONE 'UTC', 'YYYYMM'));
        IF to_regclass('public.' || child) IS NULL THEN
          EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
            child, parent, uuidv7_floor(first_day), uuidv7_floor(first_day + interval '1 month'));
          made := made + 1;
        END IF;
      END LOOP;
    END LOOP;
    RETURN made;
  END
  $$;
REVOKE ALL ON FUNCTION prepare_partitions(integer) FROM PUBLIC;
SELECT prepare_partitions(2);
