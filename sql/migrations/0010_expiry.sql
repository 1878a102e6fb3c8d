-- Expiry: what is past its life is deleted in small batches in the order the table lies in, and partitions that are wholly
-- past are dropped. The expirer works across tenants, but its role sees rows through no policy: it calls functions of the
-- owner that touch one partition at a time and hand back counts only.

-- What the workers must know of every identity application without being inside its tenant: numbers and times only.
CREATE TABLE application_schedules (
  tenant_id uuid NOT NULL,
  identity_application_id uuid NOT NULL,
  session_retention integer NOT NULL,
  access_token_ttl integer NOT NULL,
  reconcile_every integer,
  -- When the next reconciliation by `reconcile_every` is due.
  reconcile_at timestamptz,
  CONSTRAINT application_schedules_pkey PRIMARY KEY (tenant_id, identity_application_id)
);
CREATE INDEX application_schedules_due ON application_schedules (reconcile_at) WHERE reconcile_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON application_schedules TO qiao_app, qiao_worker;

CREATE FUNCTION follow_application() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = public, pg_temp
  AS $$
  BEGIN
    IF TG_OP = 'DELETE' THEN
      DELETE FROM application_schedules WHERE tenant_id = OLD.tenant_id AND identity_application_id = OLD.id;
      RETURN NULL;
    END IF;
    INSERT INTO application_schedules AS s
      (tenant_id, identity_application_id, session_retention, access_token_ttl, reconcile_every, reconcile_at)
    VALUES (NEW.tenant_id, NEW.id, NEW.session_retention, NEW.access_token_ttl, NEW.reconcile_every,
      now() + make_interval(secs => NEW.reconcile_every))
    ON CONFLICT ON CONSTRAINT application_schedules_pkey DO UPDATE
    SET session_retention = NEW.session_retention, access_token_ttl = NEW.access_token_ttl,
      reconcile_every = NEW.reconcile_every,
      reconcile_at = CASE WHEN s.reconcile_every IS NOT DISTINCT FROM NEW.reconcile_every THEN s.reconcile_at
        ELSE now() + make_interval(secs => NEW.reconcile_every) END;
    RETURN NULL;
  END
  $$;
CREATE TRIGGER follow_application
  AFTER INSERT OR DELETE OR UPDATE OF session_retention, access_token_ttl, reconcile_every ON identity_applications
  FOR EACH ROW EXECUTE FUNCTION follow_application();

-- The applications that are there already: the owner, too, sees them from inside their tenant only.
DO $$
DECLARE
  tenant uuid;
BEGIN
  FOR tenant IN SELECT id FROM tenants LOOP
    PERFORM set_config('app.tenant_id', tenant::text, true);
    INSERT INTO application_schedules
      (tenant_id, identity_application_id, session_retention, access_token_ttl, reconcile_every, reconcile_at)
    SELECT tenant_id, id, session_retention, access_token_ttl, reconcile_every,
      now() + make_interval(secs => reconcile_every)
    FROM identity_applications;
  END LOOP;
  PERFORM set_config('app.tenant_id', '', true);
END
$$;

-- Tables whose rows expire. `past` is true of a row `t` that can be deleted; `closes` is what ends a row before that (SET …
-- WHERE …). Only the owner writes here, because both are run as they stand.
CREATE TABLE expiring_tables (
  name text NOT NULL CONSTRAINT expiring_tables_pkey PRIMARY KEY,
  past text NOT NULL,
  closes text,
  -- True where there is a partition a month, named `<name>_YYYYMM`.
  monthly boolean NOT NULL
);
GRANT SELECT ON expiring_tables TO qiao_worker;

INSERT INTO expiring_tables (name, past, closes, monthly) VALUES
  ('sessions',
    'least(t.ended_at, t.idle_expires_at, t.expires_at) <= now() AND least(t.ended_at, t.idle_expires_at, t.expires_at)
      + coalesce((SELECT make_interval(secs => a.session_retention) FROM application_schedules a
        WHERE a.tenant_id = t.tenant_id AND a.identity_application_id = t.identity_application_id), interval ''0'') <= now()',
    'SET ended_at = least(t.idle_expires_at, t.expires_at)
      WHERE t.ended_at IS NULL AND least(t.idle_expires_at, t.expires_at) <= now()',
    true),
  -- An access token stands on its grant until the end of its own life.
  ('grants',
    't.revoked_at <= now() OR (least(t.idle_expires_at, t.expires_at) <= now() AND t.rotated_at
      + coalesce((SELECT make_interval(secs => a.access_token_ttl) FROM application_schedules a
        WHERE a.tenant_id = t.tenant_id AND a.identity_application_id = t.identity_application_id), interval ''0'') <= now())',
    NULL, true),
  ('federation_transactions', 't.expires_at <= now()', NULL, true),
  ('audit_events', 'false', NULL, true),
  -- WeChat's own codes are worth nothing after ten minutes.
  ('wechat_code_exchanges', 't.begun_at <= now() - interval ''1 hour''', NULL, false),
  ('revoked_access_tokens', 't.expires_at <= now() - interval ''5 minutes''', NULL, false),
  ('idempotency_keys', 't.begun_at <= now() - interval ''24 hours''', NULL, false),
  ('operator_idempotency_keys', 't.begun_at <= now() - interval ''24 hours''', NULL, false);

-- One row a partition, or a table that has none: where the sweep is, and who has it.
CREATE TABLE sweeps (
  relation text NOT NULL CONSTRAINT sweeps_pkey PRIMARY KEY,
  name text NOT NULL CONSTRAINT sweeps_name_fkey REFERENCES expiring_tables (name),
  next_block bigint NOT NULL DEFAULT 0,
  pass_begun_at timestamptz,
  run_at timestamptz NOT NULL DEFAULT now(),
  lease_until timestamptz,
  lease_owner uuid,
  fence bigint NOT NULL DEFAULT 0,
  attempts integer NOT NULL DEFAULT 0,
  last_error text
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON sweeps TO qiao_worker;

-- A table under forced row-level security is closed to its owner too; a partition reached directly is not. These three have
-- no time-ordered id to be partitioned by, so each becomes the only partition of a table with its name.
CREATE PROCEDURE give_partition(name text, key text)
  LANGUAGE plpgsql
  AS $$
  BEGIN
    EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_all');
    EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', name || '_all', name || '_pkey', name || '_all_pkey');
    EXECUTE format('DROP POLICY tenant_isolation ON %I', name || '_all');
    EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', name || '_all');
    EXECUTE format('REVOKE ALL ON %I FROM qiao_app, qiao_worker', name || '_all');
    EXECUTE format(
      'CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (tenant_id)',
      name, name || '_all');
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (%s)', name, name || '_pkey', key);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES WITH (MODULUS 1, REMAINDER 0)', name, name || '_all');
    CALL isolate_tenant(name::regclass);
  END
  $$;
CALL give_partition('wechat_code_exchanges', 'tenant_id, client_id, code_hash');
CALL give_partition('revoked_access_tokens', 'tenant_id, jti');
CALL give_partition('idempotency_keys', 'tenant_id, key_hash');
DROP PROCEDURE give_partition(text, text);
-- The sweep reads the table as it lies; nothing looks a code up by its time.
DROP INDEX wechat_code_exchanges_begun;

-- Sweeps `blocks` blocks of a relation from `first` on: closes what has ended, deletes what is past, and leaves every row that
-- somebody holds, so that it waits for no login and no login for it. No row when the lease is lost; `following` is NULL at
-- the end of the relation.
CREATE FUNCTION sweep_blocks(swept text, holder uuid, given_fence bigint, first bigint, blocks integer)
  RETURNS TABLE (removed bigint, closed bigint, following bigint)
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = public, pg_temp
  SET lock_timeout = '100ms'
  AS $$
  DECLARE
    rule expiring_tables;
    low tid := format('(%s,0)', first);
    high tid := format('(%s,0)', first + blocks);
    size bigint;
  BEGIN
    SELECT e.* INTO rule FROM sweeps s JOIN expiring_tables e ON e.name = s.name
    WHERE s.relation = swept AND s.lease_owner = holder AND s.fence = given_fence AND s.lease_until > now()
    FOR UPDATE OF s;
    IF NOT FOUND THEN
      RETURN;
    END IF;
    closed := 0;
    EXECUTE format(
      'DELETE FROM public.%1$I WHERE ctid = ANY (ARRAY(
        SELECT t.ctid FROM public.%1$I t WHERE t.ctid >= $1 AND t.ctid < $2 AND (%2$s) FOR UPDATE OF t SKIP LOCKED))',
      swept, rule.past) USING low, high;
    GET DIAGNOSTICS removed = ROW_COUNT;
    -- Only where something is kept for a while is there anything to close and not to delete.
    IF rule.closes IS NOT NULL AND EXISTS (SELECT FROM application_schedules WHERE session_retention > 0) THEN
      EXECUTE format(
        'UPDATE public.%1$I t %2$s AND t.ctid = ANY (ARRAY(
          SELECT t.ctid FROM public.%1$I t %3$s AND t.ctid >= $1 AND t.ctid < $2 FOR UPDATE OF t SKIP LOCKED))',
        swept, rule.closes, substring(rule.closes FROM 'WHERE.*')) USING low, high;
      GET DIAGNOSTICS closed = ROW_COUNT;
    END IF;
    size := pg_relation_size(format('public.%I', swept)) / current_setting('block_size')::bigint;
    following := CASE WHEN first + blocks < size THEN first + blocks END;
    UPDATE sweeps SET next_block = coalesce(following, 0),
      pass_begun_at = CASE WHEN first = 0 THEN clock_timestamp() ELSE pass_begun_at END
    WHERE relation = swept;
    RETURN NEXT;
  END
  $$;

-- Drops a monthly partition whose month is over and whose rows are all past; true when it is gone. Nothing can be added to it
-- any more and nothing past comes back to life, so the check needs no lock, and the lock of the DROP is held for a moment.
CREATE FUNCTION drop_past_partition(swept text, holder uuid, given_fence bigint) RETURNS boolean
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = public, pg_temp
  SET lock_timeout = '50ms'
  AS $$
  DECLARE
    rule expiring_tables;
    over timestamptz;
    is_alive boolean;
  BEGIN
    SELECT e.* INTO rule FROM sweeps s JOIN expiring_tables e ON e.name = s.name
    WHERE s.relation = swept AND s.lease_owner = holder AND s.fence = given_fence AND s.lease_until > now() AND e.monthly;
    IF NOT FOUND OR swept !~ ('^' || rule.name || '_[0-9]{6}$') THEN
      RETURN false;
    END IF;
    over := (to_date(right(swept, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC';
    -- A day for clocks that are wrong.
    IF over > now() - interval '1 day' THEN
      RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I t WHERE (%s) IS NOT TRUE)', swept, rule.past) INTO is_alive;
    IF is_alive THEN
      RETURN false;
    END IF;
    EXECUTE format('DROP TABLE public.%I', swept);
    DELETE FROM sweeps WHERE relation = swept;
    RETURN true;
  EXCEPTION
    WHEN lock_not_available THEN
      RETURN false; -- somebody reads it: at the next pass
  END
  $$;

-- Makes the monthly partitions from this month to `ahead` months on.
CREATE OR REPLACE FUNCTION prepare_partitions(ahead integer) RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = public, pg_temp
  SET lock_timeout = '100ms'
  AS $$
  DECLARE
    parent text;
    first_day timestamptz;
    child text;
    made integer := 0;
  BEGIN
    FOR step IN 0..least(ahead, 12) LOOP
      first_day := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => step);
      FOR parent IN SELECT name FROM expiring_tables WHERE monthly ORDER BY name LOOP
        child := format('%s_%s', parent, to_char(first_day AT TIME ZONE 'UTC', 'YYYYMM'));
        IF to_regclass('public.' || child) IS NULL THEN
          BEGIN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
              child, parent, uuidv7_floor(first_day), uuidv7_floor(first_day + interval '1 month'));
            made := made + 1;
          EXCEPTION
            -- Its rows are in the default partition already, where they are as good; or somebody holds a lock: later.
            WHEN check_violation OR lock_not_available OR duplicate_table THEN NULL;
          END;
        END IF;
      END LOOP;
    END LOOP;
    RETURN made;
  END
  $$;

REVOKE ALL ON FUNCTION sweep_blocks(text, uuid, bigint, bigint, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION drop_past_partition(text, uuid, bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION prepare_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sweep_blocks(text, uuid, bigint, bigint, integer) TO qiao_worker;
GRANT EXECUTE ON FUNCTION drop_past_partition(text, uuid, bigint) TO qiao_worker;
GRANT EXECUTE ON FUNCTION prepare_partitions(integer) TO qiao_worker;
