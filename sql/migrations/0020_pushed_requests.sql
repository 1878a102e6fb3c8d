-- Authorization requests that a client pushed and a browser is to bring (RFC 9126). The row is kept beyond its life for as long as
-- somebody may still be signing in for it: with it ends what its address can be used for, which is one answer.
CREATE TABLE pushed_requests (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  client_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  parameters jsonb NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT pushed_requests_pkey PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE pushed_requests_default PARTITION OF pushed_requests DEFAULT;
CALL isolate_tenant('pushed_requests');

INSERT INTO expiring_tables (name, past, closes, monthly, over, margin) VALUES
  ('pushed_requests', 't.expires_at <= now() - interval ''15 minutes''', NULL, true, 't.expires_at',
    'interval ''15 minutes''');
SELECT prepare_partitions(2);
