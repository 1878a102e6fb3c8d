-- What WeChat pushed: kept before WeChat is answered, applied by a worker. The unique key makes the second and third delivery of
-- one event the same event.
CREATE TABLE wechat_pushes (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  identity_hash bytea NOT NULL,
  -- Sealed until it is applied, then NULL: it names a person.
  event_sealed bytea,
  received_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT wechat_pushes_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT wechat_pushes_identity_key UNIQUE (tenant_id, client_id, identity_hash),
  CONSTRAINT wechat_pushes_client_fkey FOREIGN KEY (tenant_id, client_id)
    REFERENCES third_party_authz_clients (tenant_id, id) ON DELETE CASCADE
);
CALL isolate_tenant('wechat_pushes');

-- Which push is to be applied when, and who does it: under no policy, so numbers and times only.
CREATE TABLE push_schedule (
  tenant_id uuid NOT NULL,
  push_id uuid NOT NULL,
  run_at timestamptz NOT NULL DEFAULT now(),
  lease_owner uuid,
  lease_until timestamptz,
  fence bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  CONSTRAINT push_schedule_pkey PRIMARY KEY (tenant_id, push_id)
);
CREATE INDEX push_schedule_due ON push_schedule (run_at);
CREATE INDEX push_schedule_held ON push_schedule (lease_owner) WHERE lease_owner IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON push_schedule TO qiao_app, qiao_worker;
