-- Back-Channel Logout: whoever ends a session, in whichever statement, the relying parties that joined it are told.

-- The OAuth clients that redeemed a code in the session; NULL for none. It stands here because grants do not last as long as
-- sessions do, and because an end that concerns nobody must cost nothing: the expirer ends two hundred thousand a second.
ALTER TABLE sessions ADD COLUMN joined_clients uuid[];

-- The clients that want to be told, for who looks from outside their tenant; and how often in a row they could not be.
CREATE TABLE backchannel_clients (
  tenant_id uuid NOT NULL,
  client_id uuid NOT NULL,
  failures integer NOT NULL DEFAULT 0,
  failed_at timestamptz,
  CONSTRAINT backchannel_clients_pkey PRIMARY KEY (tenant_id, client_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON backchannel_clients TO qiao_app, qiao_worker;

-- A logout token that is to be delivered: ids and times only, because a claim looks across tenants. The token itself is made for
-- each attempt; `id` is its `jti`.
CREATE TABLE backchannel_logouts (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  client_id uuid NOT NULL,
  session_id uuid NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  run_at timestamptz NOT NULL DEFAULT now(),
  tried_at timestamptz,
  lease_owner uuid,
  lease_until timestamptz,
  fence bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  -- A kind of failure, never words of the other side.
  last_error text CHECK (length(last_error) <= 100),
  CONSTRAINT backchannel_logouts_pkey PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70);
CREATE INDEX backchannel_logouts_due ON backchannel_logouts (run_at);
CREATE INDEX backchannel_logouts_client ON backchannel_logouts (tenant_id, client_id);
CREATE INDEX backchannel_logouts_held ON backchannel_logouts (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX backchannel_logouts_in_hand ON backchannel_logouts (tenant_id, client_id) WHERE lease_owner IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON backchannel_logouts TO qiao_app, qiao_worker;

-- A new address is tried at once, for what waits as well; rows that somebody holds are let be, so that nobody waits for anybody.
CREATE FUNCTION follow_backchannel_client() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = public, pg_temp
  AS $$
  BEGIN
    IF TG_OP = 'DELETE' THEN
      DELETE FROM backchannel_clients WHERE tenant_id = OLD.tenant_id AND client_id = OLD.id;
      RETURN NULL;
    ELSIF NEW.backchannel_logout_uri IS NULL THEN
      DELETE FROM backchannel_clients WHERE tenant_id = NEW.tenant_id AND client_id = NEW.id;
      RETURN NULL;
    END IF;
    INSERT INTO backchannel_clients (tenant_id, client_id) VALUES (NEW.tenant_id, NEW.id)
    ON CONFLICT ON CONSTRAINT backchannel_clients_pkey DO UPDATE SET failures = 0, failed_at = NULL;
    IF TG_OP = 'UPDATE' AND NEW.backchannel_logout_uri IS DISTINCT FROM OLD.backchannel_logout_uri THEN
      UPDATE backchannel_logouts d SET run_at = now()
      WHERE d.tenant_id = NEW.tenant_id AND d.id IN (
        SELECT w.id FROM backchannel_logouts w
        WHERE w.tenant_id = NEW.tenant_id AND w.client_id = NEW.id AND w.run_at > now() AND w.lease_owner IS NULL
        FOR UPDATE SKIP LOCKED);
      PERFORM pg_notify('qiao_work', 'backchannel_logout');
    END IF;
    RETURN NULL;
  END
  $$;
CREATE TRIGGER follow_backchannel_client
  AFTER INSERT OR DELETE OR UPDATE OF backchannel_logout_uri ON oauth_clients
  FOR EACH ROW EXECUTE FUNCTION follow_backchannel_client();

-- Whoever joined the session that just ended is to be told. Not of a deleted tenant: its issuer is gone, and with it the keys
-- that a token could be verified with.
CREATE FUNCTION tell_relying_parties() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = public, pg_temp
  AS $$
  BEGIN
    INSERT INTO backchannel_logouts (tenant_id, id, client_id, session_id, user_id)
    SELECT OLD.tenant_id,
      -- A UUIDv7 of this moment: its time from the floor, its chance from a random one.
      (substr(uuidv7_floor(clock_timestamp())::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid,
      b.client_id, OLD.id, OLD.user_id
    FROM backchannel_clients b
    WHERE b.tenant_id = OLD.tenant_id AND b.client_id = ANY (OLD.joined_clients)
      AND EXISTS (SELECT FROM tenants t WHERE t.id = OLD.tenant_id);
    IF FOUND THEN
      PERFORM pg_notify('qiao_work', 'backchannel_logout');
    END IF;
    RETURN NULL;
  END
  $$;
-- The conditions are what a session without relying parties pays.
CREATE TRIGGER tell_of_end AFTER UPDATE OF ended_at ON sessions
  FOR EACH ROW WHEN (OLD.joined_clients IS NOT NULL AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
  EXECUTE FUNCTION tell_relying_parties();
CREATE TRIGGER tell_of_deletion AFTER DELETE ON sessions
  FOR EACH ROW WHEN (OLD.joined_clients IS NOT NULL AND OLD.ended_at IS NULL)
  EXECUTE FUNCTION tell_relying_parties();

-- The clients that are there already: the owner, too, sees them from inside their tenant only.
DO $$
DECLARE
  tenant uuid;
BEGIN
  FOR tenant IN SELECT id FROM tenants LOOP
    PERFORM set_config('app.tenant_id', tenant::text, true);
    INSERT INTO backchannel_clients (tenant_id, client_id)
    SELECT tenant_id, id FROM oauth_clients WHERE backchannel_logout_uri IS NOT NULL;
    -- Sessions from before know of their clients by their grants only.
    UPDATE sessions s SET joined_clients = g.clients
    FROM (
      SELECT g.session_id, array_agg(DISTINCT g.client_id) AS clients FROM grants g
      JOIN oauth_clients c ON c.tenant_id = g.tenant_id AND c.id = g.client_id
      WHERE g.session_id IS NOT NULL
      GROUP BY g.session_id
    ) AS g
    WHERE s.tenant_id = tenant AND s.id = g.session_id AND s.ended_at IS NULL;
  END LOOP;
  PERFORM set_config('app.tenant_id', '', true);
END
$$;
