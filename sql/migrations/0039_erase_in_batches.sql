-- A tenant can have millions of rows: they are erased some thousands at a time, each time in a transaction of its own.

-- Every table that has tenants, with the columns of its primary key; those that refer to others stand before them.
CREATE FUNCTION tables_to_erase() RETURNS TABLE (name regclass, key text)
  LANGUAGE sql STABLE
  SET search_path = public, pg_temp
  AS $$
    WITH RECURSIVE tables AS (
      SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND c.relname NOT IN ('tenant_domains', 'tenant_erasures')
        AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)
    ), depths AS (
      SELECT oid, 0 AS depth FROM tables
      UNION ALL
      SELECT k.confrelid, d.depth + 1 FROM depths d JOIN pg_constraint k ON k.conrelid = d.oid
      WHERE k.contype = 'f' AND k.confrelid <> k.conrelid AND k.confrelid IN (SELECT oid FROM tables)
    )
    SELECT d.oid::regclass, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
      FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)
      WHERE x.indrelid = d.oid AND x.indisprimary)
    FROM depths d GROUP BY d.oid ORDER BY max(d.depth), d.oid::regclass::text
  $$;

-- Deletes at most `most` rows of the current tenant and says how many; NULL while somebody else is at it.
CREATE FUNCTION erase_tenant_rows(most integer) RETURNS integer
  LANGUAGE plpgsql
  SET search_path = public, pg_temp
  AS $$
  DECLARE
    target record;
    gone integer := 0;
    batch integer;
  BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('erase ' || current_tenant(), 0)) THEN RETURN NULL; END IF;
    FOR target IN SELECT t.name, t.key FROM tables_to_erase() t LOOP
      EXECUTE format('DELETE FROM %1$s WHERE tenant_id = $1 AND (%2$s) IN (SELECT %2$s FROM %1$s WHERE tenant_id = $1 LIMIT $2)',
        target.name, target.key) USING current_tenant(), most - gone;
      GET DIAGNOSTICS batch = ROW_COUNT;
      gone := gone + batch;
      EXIT WHEN gone >= most;
    END LOOP;
    RETURN gone;
  END
  $$;
REVOKE ALL ON FUNCTION tables_to_erase(), erase_tenant_rows(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tables_to_erase(), erase_tenant_rows(integer) TO qiao_app, qiao_worker;
