-- A grant with `offline_access` outlives the session it was given in (OpenID Connect Core section 11): what its tokens say of the
-- sign-in is kept with it.
ALTER TABLE grants
  ADD COLUMN is_offline boolean NOT NULL DEFAULT false,
  ADD COLUMN amr text[],
  ADD COLUMN auth_time timestamptz;

-- What a request asked for besides its scope: single claims (OpenID Connect Core section 5.5), by the place they are given in, and
-- the resource that its access tokens are for (RFC 8707).
ALTER TABLE authorization_codes
  ADD COLUMN claims jsonb,
  ADD COLUMN resource text CHECK (length(resource) <= 2048);
ALTER TABLE grants
  ADD COLUMN claims jsonb,
  ADD COLUMN resource text CHECK (length(resource) <= 2048);
ALTER TABLE identity_applications
  ADD COLUMN resources text[] NOT NULL DEFAULT '{}' CHECK (cardinality(resources) <= 50);
