-- The `jti` of each client assertion that authenticated a client: it does so once, on all nodes (RFC 7523 section 3).
CREATE TABLE client_assertions (
  tenant_id uuid NOT NULL,
  client_id uuid NOT NULL,
  jti_hash bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT client_assertions_pkey PRIMARY KEY (tenant_id, client_id, jti_hash)
) PARTITION BY HASH (tenant_id);
CREATE TABLE client_assertions_all PARTITION OF client_assertions FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CALL isolate_tenant('client_assertions');

-- Five minutes for the clocks of servers, which decide whether an assertion is past.
INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('client_assertions', 't.expires_at <= now() - interval ''5 minutes''', NULL, false);
