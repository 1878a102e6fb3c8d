-- Token and EncodingAESKey as they were before a change: WeChat goes on with them for a while, so they count for an hour more. Both
-- stand as they were sealed, under the name of the column they came from.
CREATE TABLE previous_push_settings (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  push_token_sealed bytea NOT NULL,
  push_encoding_aes_key_sealed bytea,
  expires_at timestamptz NOT NULL,
  CONSTRAINT previous_push_settings_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT previous_push_settings_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES third_party_authz_clients (tenant_id, id) ON DELETE CASCADE
) PARTITION BY HASH (tenant_id);
CREATE TABLE previous_push_settings_all PARTITION OF previous_push_settings FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE INDEX previous_push_settings_client ON previous_push_settings (tenant_id, client_id);
CALL isolate_tenant('previous_push_settings');

INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('previous_push_settings', 't.expires_at <= now()', NULL, false);
