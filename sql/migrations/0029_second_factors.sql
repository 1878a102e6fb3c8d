-- Multi-factor sign-in: an authenticator app (RFC 6238) and backup codes for when it is not at hand.
ALTER TABLE identity_applications ADD COLUMN mfa text NOT NULL DEFAULT 'off'
  CONSTRAINT identity_applications_mfa_check CHECK (mfa IN ('off', 'optional', 'required'));

CREATE TABLE totp_authenticators (
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  secret_sealed bytea NOT NULL,
  -- Whose page showed the key: until it is confirmed no other page sees it again or can confirm it.
  begun_by bytea NOT NULL,
  -- NULL until the first code was right; before that it is asked for nowhere.
  confirmed_at timestamptz,
  -- The last time step whose code was taken: none is taken twice.
  last_step bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT totp_authenticators_pkey PRIMARY KEY (tenant_id, user_id),
  CONSTRAINT totp_authenticators_user_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
-- A used code is deleted.
CREATE TABLE backup_codes (
  tenant_id uuid NOT NULL,
  user_id uuid NOT NULL,
  code_hash bytea NOT NULL CHECK (length(code_hash) = 32),
  CONSTRAINT backup_codes_pkey PRIMARY KEY (tenant_id, user_id, code_hash),
  CONSTRAINT backup_codes_authenticator_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES totp_authenticators (tenant_id, user_id) ON DELETE CASCADE
);
CALL isolate_tenant('totp_authenticators');
CALL isolate_tenant('backup_codes');

-- Who has shown the first factor for an interaction and still owes the second.
ALTER TABLE authorization_requests ADD COLUMN first_user_id uuid, ADD COLUMN first_amr text[];

-- A ticket for a person whom WeChat authenticated and who owes the second factor.
ALTER TABLE federation_transactions DROP CONSTRAINT federation_transactions_purpose_check;
ALTER TABLE federation_transactions ADD CONSTRAINT federation_transactions_purpose_check
  CHECK (purpose IN ('bind', 'token', 'mfa'));

-- What a person owes beside the first factor: nothing, a code, or to enrol first. One word for everything that signs people in. In
-- PL/pgSQL, which keeps its plans: as a function in SQL it was planned anew by every sign-in, which took longer than the rest of one.
CREATE FUNCTION second_factor(application uuid, person uuid) RETURNS text
  LANGUAGE plpgsql STABLE PARALLEL SAFE
  AS $$
  DECLARE
    policy text;
  BEGIN
    SELECT a.mfa INTO policy FROM identity_applications a WHERE a.tenant_id = current_tenant() AND a.id = application;
    IF policy = 'off' THEN
      RETURN 'none';
    END IF;
    IF EXISTS (SELECT FROM totp_authenticators t
      WHERE t.tenant_id = current_tenant() AND t.user_id = person AND t.confirmed_at IS NOT NULL) THEN
      RETURN 'code';
    END IF;
    RETURN CASE policy WHEN 'required' THEN 'enroll' WHEN 'optional' THEN 'none' END;
  END
  $$;
