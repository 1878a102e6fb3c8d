-- DPoP (RFC 9449): whose key a code and a grant belong to, and the proofs that were used.

-- The proofs of the last minutes, so that each is used once on all nodes (RFC 9449 section 11.1). The row is written in the batch of
-- the statement that the proof stands for: a second use breaks the primary key and with it the batch.
CREATE TABLE dpop_proofs (
  tenant_id uuid NOT NULL,
  -- SHA-256 over key and `jti`: nobody can use up another key's identifiers.
  proof_hash bytea NOT NULL CHECK (length(proof_hash) = 32),
  expires_at timestamptz NOT NULL,
  CONSTRAINT dpop_proofs_pkey PRIMARY KEY (tenant_id, proof_hash)
) PARTITION BY HASH (tenant_id);
CREATE TABLE dpop_proofs_all PARTITION OF dpop_proofs FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CALL isolate_tenant('dpop_proofs');

INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('dpop_proofs', 't.expires_at <= now()', NULL, false);

-- Thumbprints of keys (RFC 7638): `dpop_jkt` of the request, and the key that a grant's tokens were bound to.
ALTER TABLE authorization_codes ADD COLUMN dpop_jkt text;
ALTER TABLE grants ADD COLUMN dpop_jkt text;

-- RFC 9449 section 5.2: a client that gets no tokens without a proof.
ALTER TABLE oauth_clients ADD COLUMN dpop_bound_access_tokens boolean NOT NULL DEFAULT false;
