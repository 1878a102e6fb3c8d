-- Device authorization (RFC 8628): what a device waits for, and the tries of people who type its code.

-- One row is one device that shows a code. The device code is its id and a secret; the user code is what a person types, found
-- by plain equality inside its issuer. Who signed in for it is copied from their session: the device gets one of its own.
CREATE TABLE device_authorizations (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  client_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  user_code text NOT NULL CHECK (length(user_code) = 8),
  scope text NOT NULL,
  -- NULL until somebody decided.
  approved boolean,
  user_id uuid,
  amr text[],
  auth_time timestamptz,
  -- Seconds between two polls; grows when the device does not keep to it.
  poll_interval integer NOT NULL DEFAULT 5,
  next_poll_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT device_authorizations_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT device_authorizations_user_code_key UNIQUE (tenant_id, identity_application_id, user_code),
  CONSTRAINT device_authorizations_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES oauth_clients (tenant_id, id) ON DELETE CASCADE
) PARTITION BY HASH (tenant_id);
CREATE TABLE device_authorizations_all PARTITION OF device_authorizations FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE INDEX device_authorizations_client ON device_authorizations (tenant_id, client_id);

-- How many codes a browser or an address tried in a while. `who` is a keyed hash: the row says nothing of the person.
CREATE TABLE user_code_tries (
  tenant_id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  who bytea NOT NULL CHECK (length(who) = 32),
  tries integer NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT user_code_tries_pkey PRIMARY KEY (tenant_id, identity_application_id, who),
  CONSTRAINT user_code_tries_application_fkey FOREIGN KEY (tenant_id, identity_application_id)
    REFERENCES identity_applications (tenant_id, id) ON DELETE CASCADE
) PARTITION BY HASH (tenant_id);
CREATE TABLE user_code_tries_all PARTITION OF user_code_tries FOR VALUES WITH (MODULUS 1, REMAINDER 0);

CALL isolate_tenant('device_authorizations');
CALL isolate_tenant('user_code_tries');

-- An interaction that answers a device instead of a client's redirect URI.
ALTER TABLE authorization_requests ADD COLUMN device_id uuid;

-- A device that asks late is told that its code has expired, as long as the row is there.
INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('device_authorizations', 't.expires_at <= now() - interval ''1 hour''', NULL, false),
  ('user_code_tries', 't.begun_at <= now() - interval ''1 hour''', NULL, false);
