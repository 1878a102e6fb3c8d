-- When which app token is to be refreshed and who does it, apart from the token itself: the workers look across tenants for what
-- is due, so what they look at holds numbers and times only and is under no policy; the token stays in its tenant.
CREATE TABLE app_token_schedule (
  tenant_id uuid NOT NULL,
  client_id uuid NOT NULL,
  refresh_at timestamptz NOT NULL DEFAULT now(),
  lease_owner uuid,
  lease_until timestamptz,
  -- Grows with each claim and each change of the credentials: what an earlier holder still sends has no effect.
  fence bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT app_token_schedule_pkey PRIMARY KEY (tenant_id, client_id)
) WITH (fillfactor = 70);
CREATE INDEX app_token_schedule_due ON app_token_schedule (refresh_at);
CREATE INDEX app_token_schedule_held ON app_token_schedule (lease_owner) WHERE lease_owner IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON app_token_schedule TO qiao_app, qiao_worker;

ALTER TABLE wechat_app_tokens DROP COLUMN refresh_at, DROP COLUMN lease_until, DROP COLUMN lease_owner, DROP COLUMN fence,
  DROP COLUMN attempts;

-- An enabled client is scheduled, at once when it is new or its credentials are; a disabled or deleted one is not.
CREATE FUNCTION schedule_app_token() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = public, pg_temp
  AS $$
  BEGIN
    IF TG_OP = 'DELETE' OR NOT NEW.enabled THEN
      DELETE FROM app_token_schedule WHERE tenant_id = OLD.tenant_id AND client_id = OLD.id;
      RETURN NULL;
    END IF;
    INSERT INTO app_token_schedule AS s (tenant_id, client_id) VALUES (NEW.tenant_id, NEW.id)
    ON CONFLICT ON CONSTRAINT app_token_schedule_pkey DO UPDATE
    SET refresh_at = now(), lease_owner = NULL, lease_until = NULL, fence = s.fence + 1, attempts = 0;
    PERFORM pg_notify('qiao_work', 'wechat_token_refresh');
    RETURN NULL;
  END
  $$;
CREATE TRIGGER schedule_app_token
  AFTER INSERT OR DELETE OR UPDATE OF enabled, app_id, app_secret_sealed ON third_party_authz_clients
  FOR EACH ROW EXECUTE FUNCTION schedule_app_token();

-- The clients that are there already: the owner, too, sees them from inside their tenant only.
DO $$
DECLARE
  tenant uuid;
BEGIN
  FOR tenant IN SELECT id FROM tenants LOOP
    PERFORM set_config('app.tenant_id', tenant::text, true);
    INSERT INTO app_token_schedule (tenant_id, client_id)
    SELECT tenant_id, id FROM third_party_authz_clients WHERE enabled;
  END LOOP;
  PERFORM set_config('app.tenant_id', '', true);
END
$$;
