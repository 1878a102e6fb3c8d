-- RFC 7396 on jsonb: members of `patch` replace those of `target`, null removes them, objects are merged in depth.
CREATE FUNCTION json_merge_patch(target jsonb, patch jsonb) RETURNS jsonb
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
  SET search_path = public, pg_temp
  AS $$
  BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN
      RETURN patch;
    END IF;
    IF target IS NULL OR jsonb_typeof(target) <> 'object' THEN
      target := '{}';
    END IF;
    RETURN coalesce(
      (SELECT jsonb_object_agg(key, CASE WHEN p.value IS NULL THEN t.value ELSE json_merge_patch(t.value, p.value) END)
        FROM jsonb_each(target) t FULL JOIN jsonb_each(patch) p USING (key)
        WHERE p.value IS NULL OR jsonb_typeof(p.value) <> 'null'),
      '{}');
  END
  $$;
