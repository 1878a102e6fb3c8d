-- Users and the identities WeChat knows them by.

CREATE TABLE users (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  username text CHECK (length(username) BETWEEN 1 AND 200),
  -- Compared with plain `=`: lower() is not leakproof and would keep the index from being used under RLS.
  username_norm text GENERATED ALWAYS AS (lower(username)) STORED,
  name text CHECK (length(name) <= 500),
  picture text CHECK (length(picture) <= 2048),
  phone_number text CHECK (phone_number ~ '^\+[1-9][0-9]{1,14}$'),
  phone_number_verified boolean NOT NULL DEFAULT false,
  email text CHECK (length(email) <= 320),
  email_norm text GENERATED ALWAYS AS (lower(email)) STORED,
  email_verified boolean NOT NULL DEFAULT false,
  attributes jsonb NOT NULL DEFAULT '{}',
  origin text NOT NULL CHECK (origin IN ('shadow', 'local', 'import')),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
  password_hash text,
  last_login_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT users_application_fkey FOREIGN KEY (tenant_id, identity_application_id)
    REFERENCES identity_applications (tenant_id, id),
  CONSTRAINT users_username_key UNIQUE (tenant_id, identity_application_id, username_norm),
  CONSTRAINT users_phone_number_key UNIQUE (tenant_id, identity_application_id, phone_number),
  CONSTRAINT users_email_key UNIQUE (tenant_id, identity_application_id, email_norm)
) WITH (fillfactor = 85);
CREATE INDEX users_newest ON users (tenant_id, identity_application_id, id);

CREATE TABLE federated_identities (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  user_id uuid NOT NULL,
  client_id uuid,
  app_id text NOT NULL CHECK (length(app_id) BETWEEN 1 AND 64),
  openid text NOT NULL CHECK (length(openid) BETWEEN 1 AND 128),
  unionid text CHECK (length(unionid) BETWEEN 1 AND 128),
  open_platform_account text,
  session_key_sealed bytea,
  session_key_at timestamptz,
  oauth_token_sealed bytea,
  oauth_token_at timestamptz,
  profile jsonb,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT federated_identities_pkey PRIMARY KEY (tenant_id, id),
  -- One (AppID, openid) is one person in one directory, however many clients carry the AppID.
  CONSTRAINT federated_identities_openid_key UNIQUE (tenant_id, identity_application_id, app_id, openid),
  CONSTRAINT federated_identities_user_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES users (tenant_id, id) ON DELETE CASCADE,
  CONSTRAINT federated_identities_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES third_party_authz_clients (tenant_id, id) ON DELETE SET NULL (client_id)
) WITH (fillfactor = 80);
CREATE INDEX federated_identities_user ON federated_identities (tenant_id, user_id);
CREATE INDEX federated_identities_client ON federated_identities (tenant_id, client_id);
CREATE INDEX federated_identities_unionid ON federated_identities (tenant_id, identity_application_id, unionid);

-- Who a unionid is, inside one Open Platform account: the key that keeps two first logins from making two users.
CREATE TABLE unified_identities (
  tenant_id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  open_platform_account text NOT NULL,
  unionid text NOT NULL,
  user_id uuid NOT NULL,
  CONSTRAINT unified_identities_pkey
    PRIMARY KEY (tenant_id, identity_application_id, open_platform_account, unionid),
  CONSTRAINT unified_identities_user_fkey FOREIGN KEY (tenant_id, user_id)
    REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX unified_identities_user ON unified_identities (tenant_id, user_id);

CALL isolate_tenant('users');
CALL isolate_tenant('federated_identities');
CALL isolate_tenant('unified_identities');
