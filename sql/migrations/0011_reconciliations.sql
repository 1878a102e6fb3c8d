-- Reconciliations: WeChat is asked again who its people are, and what changed is reported or applied.

CREATE TABLE reconciliations (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  -- NULL for all users of the application.
  user_id uuid,
  mode text NOT NULL CHECK (mode IN ('report', 'apply')),
  cause text NOT NULL CHECK (cause IN ('request', 'schedule')),
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  -- The last identity that is done: a run that was killed goes on behind it.
  reached uuid,
  done bigint NOT NULL DEFAULT 0,
  total bigint,
  situations jsonb NOT NULL DEFAULT '{}',
  last_error text CHECK (length(last_error) <= 200),
  started_at timestamptz,
  finished_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT reconciliations_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT reconciliations_application_fkey FOREIGN KEY (tenant_id, identity_application_id)
    REFERENCES identity_applications (tenant_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE INDEX reconciliations_application ON reconciliations (tenant_id, identity_application_id);

-- What a run came to for each identity. The situation stands in the key, so that the few that matter are found among a million
-- that do not. A month of runs is one partition, which goes as a whole.
CREATE TABLE reconciliation_items (
  tenant_id uuid NOT NULL,
  reconciliation_id uuid NOT NULL,
  situation text NOT NULL CHECK (situation IN
    ('CONFIRMED', 'UPDATED', 'FOUND', 'AMBIGUOUS', 'SOURCE_MISSING', 'UNQUALIFIED', 'FAILED')),
  identity_id uuid NOT NULL,
  user_id uuid NOT NULL,
  -- The other user of an AMBIGUOUS unionid.
  other_user_id uuid,
  -- Names of the user's fields that change; never their values.
  fields text[] NOT NULL DEFAULT '{}',
  errcode integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT reconciliation_items_pkey PRIMARY KEY (tenant_id, reconciliation_id, situation, identity_id)
) PARTITION BY RANGE (reconciliation_id);
CREATE TABLE reconciliation_items_default PARTITION OF reconciliation_items DEFAULT;

CALL isolate_tenant('reconciliations');
CALL isolate_tenant('reconciliation_items');

INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('reconciliation_items', 't.reconciliation_id <= uuidv7_floor(now() - interval ''90 days'')', NULL, true);
SELECT prepare_partitions(2);

-- The unfinished runs of all tenants: only what is needed to claim one.
CREATE TABLE reconciliation_claims (
  tenant_id uuid NOT NULL,
  reconciliation_id uuid NOT NULL,
  run_at timestamptz NOT NULL DEFAULT now(),
  -- When it last had its turn: a tenant whose turn is longer ago goes first.
  served_at timestamptz,
  lease_until timestamptz,
  lease_owner uuid,
  fence bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  CONSTRAINT reconciliation_claims_pkey PRIMARY KEY (tenant_id, reconciliation_id)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON reconciliation_claims TO qiao_app, qiao_worker;

CREATE FUNCTION announce_reconciliation() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = public, pg_temp
  AS $$
  BEGIN
    PERFORM pg_notify('qiao_work', 'profile_reconciliation');
    RETURN NULL;
  END
  $$;
CREATE TRIGGER announce_reconciliation AFTER INSERT ON reconciliation_claims
  FOR EACH STATEMENT EXECUTE FUNCTION announce_reconciliation();

-- A run walks the identities of one application in the order of their ids.
CREATE INDEX federated_identities_walk ON federated_identities (tenant_id, identity_application_id, id);
