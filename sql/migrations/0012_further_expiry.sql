-- A push that was applied stands for its repetitions, which WeChat sends within a minute and which have no effect after five.
-- The table becomes the only partition of one with its name, as in the migration of expiry.
ALTER TABLE wechat_pushes RENAME TO wechat_pushes_all;
ALTER TABLE wechat_pushes_all RENAME CONSTRAINT wechat_pushes_pkey TO wechat_pushes_all_pkey;
ALTER TABLE wechat_pushes_all RENAME CONSTRAINT wechat_pushes_identity_key TO wechat_pushes_all_identity_key;
ALTER TABLE wechat_pushes_all RENAME CONSTRAINT wechat_pushes_client_fkey TO wechat_pushes_all_client_fkey;
DROP POLICY tenant_isolation ON wechat_pushes_all;
ALTER TABLE wechat_pushes_all DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
REVOKE ALL ON wechat_pushes_all FROM qiao_app, qiao_worker;
CREATE TABLE wechat_pushes (LIKE wechat_pushes_all INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (tenant_id);
ALTER TABLE wechat_pushes
  ADD CONSTRAINT wechat_pushes_pkey PRIMARY KEY (tenant_id, id),
  ADD CONSTRAINT wechat_pushes_identity_key UNIQUE (tenant_id, client_id, identity_hash),
  ADD CONSTRAINT wechat_pushes_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES third_party_authz_clients (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE wechat_pushes ATTACH PARTITION wechat_pushes_all FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CALL isolate_tenant('wechat_pushes');

INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('wechat_pushes', 't.event_sealed IS NULL AND t.received_at <= now() - interval ''1 day''', NULL, false);

-- A tenant sees when its sessions are swept next, and may have them swept now.
GRANT SELECT, UPDATE (run_at) ON sweeps TO qiao_app;
