-- How often in a row a password was wrong. One row is one account however it was spelled: its key is the user; a name that nobody
-- has gets a row under its hash, so that it is locked like one that somebody has and nothing tells the two apart.
CREATE TABLE password_tries (
  tenant_id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  account text NOT NULL CHECK (length(account) BETWEEN 1 AND 100),
  -- Counted before the password is looked at, so that tries sent at once cannot outrun the count; forgotten with the right one.
  tries integer NOT NULL,
  locked_until timestamptz,
  last_try_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT password_tries_pkey PRIMARY KEY (tenant_id, identity_application_id, account),
  CONSTRAINT password_tries_application_fkey FOREIGN KEY (tenant_id, identity_application_id)
    REFERENCES identity_applications (tenant_id, id) ON DELETE CASCADE
) PARTITION BY HASH (tenant_id);
CREATE TABLE password_tries_all PARTITION OF password_tries FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CALL isolate_tenant('password_tries');

INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('password_tries', 't.last_try_at <= now() - interval ''1 day'' AND coalesce(t.locked_until <= now(), true)', NULL, false);
