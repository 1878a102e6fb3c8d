-- A month of sessions that is dropped as a whole may hold some that no sweep has come by, after a time without an expirer: whoever
-- joined those is told first. Only where a client wants to be told at all is the month read for it.
CREATE OR REPLACE FUNCTION drop_past_partition(swept text, holder uuid, given_fence bigint) RETURNS boolean
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = public, pg_temp
  SET lock_timeout = '50ms'
  AS $$
  DECLARE
    rule expiring_tables;
    month_over timestamptz;
    known timestamptz;
    margin interval;
  BEGIN
    SELECT e.* INTO rule FROM sweeps s JOIN expiring_tables e ON e.name = s.name
    WHERE s.relation = swept AND s.lease_owner = holder AND s.fence = given_fence AND s.lease_until > now() AND e.monthly;
    IF NOT FOUND OR rule.over IS NULL OR swept !~ ('^' || rule.name || '_[0-9]{6}$') THEN
      RETURN false;
    END IF;
    month_over := (to_date(right(swept, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC';
    -- A day for clocks that are wrong.
    IF month_over > now() - interval '1 day' THEN
      RETURN false;
    END IF;
    SELECT over_at INTO known FROM sweeps WHERE relation = swept;
    IF known IS NULL THEN
      EXECUTE format('SELECT max(%s) FROM public.%I t', rule.over, swept) INTO known;
      known := coalesce(known, month_over);
      UPDATE sweeps SET over_at = known WHERE relation = swept;
    END IF;
    EXECUTE 'SELECT ' || rule.margin INTO margin;
    IF known + margin > now() THEN
      RETURN false;
    END IF;
    IF rule.name = 'sessions' AND EXISTS (SELECT FROM backchannel_clients) THEN
      EXECUTE format('DELETE FROM public.%I WHERE joined_clients IS NOT NULL AND ended_at IS NULL', swept);
    END IF;
    BEGIN
      EXECUTE format('DROP TABLE public.%I', swept);
    EXCEPTION
      WHEN lock_not_available THEN
        RETURN false; -- somebody reads it: at the next pass
    END;
    DELETE FROM sweeps WHERE relation = swept;
    RETURN true;
  END
  $$;
REVOKE ALL ON FUNCTION drop_past_partition(text, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_past_partition(text, uuid, bigint) TO qiao_worker;
