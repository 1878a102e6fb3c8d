-- The authorization endpoint: what a browser is in the middle of, the codes that come of it, and what people agreed to.

-- The browser's half of a session of the hosted pages; NULL for sessions that no browser holds.
ALTER TABLE sessions ADD COLUMN cookie_hash bytea;

-- An authorization request whose person must still sign in or agree. It belongs to one browser, by a cookie.
CREATE TABLE authorization_requests (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  client_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  browser_hash bytea NOT NULL,
  -- The session that answers it, once somebody has signed in for it.
  session_id uuid,
  parameters jsonb NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT authorization_requests_pkey PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE authorization_requests_default PARTITION OF authorization_requests DEFAULT;

CREATE TABLE authorization_codes (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  client_id uuid NOT NULL,
  user_id uuid NOT NULL,
  session_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  scope text NOT NULL,
  redirect_uri text NOT NULL,
  code_challenge text,
  nonce text,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  -- What came of it, so that a second use can end it.
  grant_id uuid,
  CONSTRAINT authorization_codes_pkey PRIMARY KEY (tenant_id, id)
) PARTITION BY RANGE (id);
CREATE TABLE authorization_codes_default PARTITION OF authorization_codes DEFAULT;

-- What a user agreed that a client may have.
CREATE TABLE consents (
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  client_id uuid NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT consents_pkey PRIMARY KEY (tenant_id, user_id, client_id),
  CONSTRAINT consents_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT consents_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES oauth_clients (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX consents_client ON consents (tenant_id, client_id);

CALL isolate_tenant('authorization_requests');
CALL isolate_tenant('authorization_codes');
CALL isolate_tenant('consents');

-- A used code is kept for a day: only then can its second use be told and answered by ending what the first one gave.
INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('authorization_requests', 't.expires_at <= now()', NULL, true),
  ('authorization_codes', 't.expires_at <= now() - interval ''1 day''', NULL, true);
SELECT prepare_partitions(2);
