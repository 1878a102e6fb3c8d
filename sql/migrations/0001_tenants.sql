-- Tenants are the one thing that is not inside a tenant: the server looks them up by slug or host before it knows whose
-- request it has. No personal value and no secret belongs here.

CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  slug text NOT NULL CONSTRAINT tenants_slug_key UNIQUE
    CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  name text NOT NULL CONSTRAINT tenants_name_check CHECK (length(name) BETWEEN 1 AND 200),
  status text NOT NULL DEFAULT 'active' CONSTRAINT tenants_status_check CHECK (status IN ('active', 'suspended')),
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tenant_domains (
  host text NOT NULL CONSTRAINT tenant_domains_pkey PRIMARY KEY
    CONSTRAINT tenant_domains_host_check CHECK (host = lower(host) AND length(host) BETWEEN 1 AND 253),
  tenant_id uuid NOT NULL CONSTRAINT tenant_domains_tenant_fkey REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE INDEX tenant_domains_tenant ON tenant_domains (tenant_id);

-- A deleted tenant leaves `tenants` at once and waits here until the rest of it is erased.
CREATE TABLE tenant_erasures (
  tenant_id uuid PRIMARY KEY,
  requested_at timestamptz NOT NULL DEFAULT now()
);

-- The tenant of the transaction, NULL outside of one. After the transaction the setting reads as '', not as NULL.
CREATE FUNCTION current_tenant() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;

-- Puts a table under row-level security in the one form the catalogue test accepts.
CREATE PROCEDURE isolate_tenant(name regclass)
  LANGUAGE plpgsql
  AS $$
  BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
      'CREATE POLICY tenant_isolation ON %s USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant())',
      name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO qiao_app, qiao_worker', name);
  END
  $$;

-- The least UUIDv7 of a moment (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then the version.
CREATE FUNCTION uuidv7_floor(moment timestamptz) RETURNS uuid
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, tenant_domains, tenant_erasures TO qiao_app, qiao_worker;
REVOKE ALL ON PROCEDURE isolate_tenant(regclass) FROM PUBLIC;
