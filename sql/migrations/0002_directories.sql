-- Identity applications and what signs in through them.

CREATE TABLE identity_applications (
  tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id uuid NOT NULL,
  slug text NOT NULL CONSTRAINT identity_applications_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  enrollment text NOT NULL DEFAULT 'bind' CHECK (enrollment IN ('bind', 'automatic', 'closed')),
  phone_matching text NOT NULL DEFAULT 'never' CHECK (phone_matching IN ('never', 'link')),
  signing_alg text NOT NULL DEFAULT 'ES256' CHECK (signing_alg IN ('ES256', 'RS256', 'EdDSA')),
  access_token_ttl integer NOT NULL DEFAULT 3600 CHECK (access_token_ttl BETWEEN 5 AND 31536000),
  id_token_ttl integer NOT NULL DEFAULT 3600 CHECK (id_token_ttl BETWEEN 5 AND 31536000),
  refresh_token_ttl integer NOT NULL DEFAULT 2592000 CHECK (refresh_token_ttl BETWEEN 5 AND 31536000),
  refresh_token_idle_ttl integer NOT NULL DEFAULT 1209600 CHECK (refresh_token_idle_ttl BETWEEN 5 AND 31536000),
  session_ttl integer NOT NULL DEFAULT 2592000 CHECK (session_ttl BETWEEN 5 AND 31536000),
  session_idle_ttl integer NOT NULL DEFAULT 1209600 CHECK (session_idle_ttl BETWEEN 5 AND 31536000),
  reconcile_every integer CHECK (reconcile_every BETWEEN 5 AND 31536000),
  session_retention integer NOT NULL DEFAULT 0 CHECK (session_retention BETWEEN 0 AND 31536000),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT identity_applications_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT identity_applications_slug_key UNIQUE (tenant_id, slug)
);

-- One key signs (`active`); a `next` one is published before it does and a `retired` one until its tokens are past.
CREATE TABLE signing_keys (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  alg text NOT NULL CHECK (alg IN ('ES256', 'RS256', 'EdDSA')),
  status text NOT NULL CHECK (status IN ('next', 'active', 'retired')),
  public_jwk text NOT NULL CHECK (length(public_jwk) <= 4096),
  private_key_sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  activates_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  CONSTRAINT signing_keys_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT signing_keys_application_fkey FOREIGN KEY (tenant_id, identity_application_id)
    REFERENCES identity_applications (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX signing_keys_active_key ON signing_keys (tenant_id, identity_application_id) WHERE status = 'active';
CREATE INDEX signing_keys_application ON signing_keys (tenant_id, identity_application_id);

CREATE TABLE third_party_authz_clients (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  provider text NOT NULL
    CHECK (provider IN ('wechat_miniapp', 'wechat_web', 'wechat_mobile', 'wechat_official_account')),
  app_id text NOT NULL CHECK (length(app_id) BETWEEN 1 AND 64),
  app_secret_sealed bytea NOT NULL,
  open_platform_account text CHECK (length(open_platform_account) BETWEEN 1 AND 200),
  scopes text[] NOT NULL DEFAULT '{openid,profile}',
  property_map jsonb NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  credential_status text NOT NULL DEFAULT 'unverified' CHECK (credential_status IN ('unverified', 'ok', 'failing')),
  credential_error jsonb,
  push_token_sealed bytea,
  push_encoding_aes_key_sealed bytea,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT third_party_authz_clients_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT third_party_authz_clients_application_fkey FOREIGN KEY (tenant_id, identity_application_id)
    REFERENCES identity_applications (tenant_id, id)
);
CREATE INDEX third_party_authz_clients_application ON third_party_authz_clients (tenant_id, identity_application_id);

-- The hub's one current WeChat app access token of a client, and the lease of whoever fetches the next.
CREATE TABLE wechat_app_tokens (
  tenant_id uuid NOT NULL,
  client_id uuid NOT NULL,
  access_token_sealed bytea,
  expires_at timestamptz,
  obtained_at timestamptz,
  refresh_at timestamptz NOT NULL DEFAULT now(),
  lease_until timestamptz,
  lease_owner uuid,
  fence bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  CONSTRAINT wechat_app_tokens_pkey PRIMARY KEY (tenant_id, client_id),
  CONSTRAINT wechat_app_tokens_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES third_party_authz_clients (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE oauth_clients (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  type text NOT NULL CHECK (type IN ('spa', 'native', 'web', 'service')),
  redirect_uris text[] NOT NULL DEFAULT '{}',
  post_logout_redirect_uris text[] NOT NULL DEFAULT '{}',
  backchannel_logout_uri text,
  grant_types text[] NOT NULL,
  token_endpoint_auth_method text NOT NULL
    CHECK (token_endpoint_auth_method IN ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')),
  jwks jsonb,
  jwks_uri text,
  require_pushed_authorization_requests boolean NOT NULL DEFAULT false,
  require_consent boolean NOT NULL DEFAULT true,
  scopes text[] NOT NULL DEFAULT '{}',
  client_secret_hash bytea,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT oauth_clients_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT oauth_clients_application_fkey FOREIGN KEY (tenant_id, identity_application_id)
    REFERENCES identity_applications (tenant_id, id)
);
CREATE INDEX oauth_clients_application ON oauth_clients (tenant_id, identity_application_id);

CREATE TABLE api_keys (
  tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
  id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  key_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  expires_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id)
);

CALL isolate_tenant('identity_applications');
CALL isolate_tenant('signing_keys');
CALL isolate_tenant('third_party_authz_clients');
CALL isolate_tenant('wechat_app_tokens');
CALL isolate_tenant('oauth_clients');
CALL isolate_tenant('api_keys');
