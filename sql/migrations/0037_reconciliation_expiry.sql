-- A run that ended is kept as long as its items, ninety days from its beginning: an application that is reconciled every few seconds
-- would else fill the table. The table becomes the only partition of one with its name, as in the migration of expiry.
ALTER TABLE reconciliations RENAME TO reconciliations_all;
ALTER TABLE reconciliations_all RENAME CONSTRAINT reconciliations_pkey TO reconciliations_all_pkey;
ALTER TABLE reconciliations_all RENAME CONSTRAINT reconciliations_application_fkey TO reconciliations_all_application_fkey;
ALTER INDEX reconciliations_application RENAME TO reconciliations_all_application;
DROP POLICY tenant_isolation ON reconciliations_all;
ALTER TABLE reconciliations_all DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
REVOKE ALL ON reconciliations_all FROM qiao_app, qiao_worker;
CREATE TABLE reconciliations (LIKE reconciliations_all INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (tenant_id);
ALTER TABLE reconciliations
  ADD CONSTRAINT reconciliations_pkey PRIMARY KEY (tenant_id, id),
  ADD CONSTRAINT reconciliations_application_fkey FOREIGN KEY (tenant_id, identity_application_id)
    REFERENCES identity_applications (tenant_id, id) ON DELETE CASCADE;
CREATE INDEX reconciliations_application ON reconciliations (tenant_id, identity_application_id);
ALTER TABLE reconciliations ATTACH PARTITION reconciliations_all FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CALL isolate_tenant('reconciliations');

INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('reconciliations', 't.finished_at IS NOT NULL AND t.id <= uuidv7_floor(now() - interval ''90 days'')', NULL, false);
