-- Writes changed profiles with the reconciler's own statement (:store), pages of :page after one another on one connection, and
-- prints the seconds it took and the users it changed.
\set QUIET on
\pset format unaligned
\pset tuples_only on
SELECT set_config('app.tenant_id', :'tenant', false) \g /dev/null
-- As every connection of ours.
SET plan_cache_mode = force_generic_plan;
PREPARE store (uuid, uuid, bigint, uuid, uuid[], jsonb, uuid) AS :store;
SELECT gen_random_uuid() AS run, gen_random_uuid() AS holder \gset
INSERT INTO reconciliations (tenant_id, id, identity_application_id, mode, cause, status)
VALUES (:'tenant', :'run', :'application', 'apply', 'request', 'running');
INSERT INTO reconciliation_claims (tenant_id, reconciliation_id, run_at, lease_owner, lease_until, fence)
VALUES (:'tenant', :'run', 'infinity', :'holder', now() + interval '1 hour', 1);
CREATE TEMP TABLE pages AS
SELECT page, array_agg(id ORDER BY id) AS ids, (array_agg(id ORDER BY id DESC))[1] AS last, jsonb_agg(jsonb_build_object(
    'id', id, 'profile_event', event, 'unionid_event', event, 'name', 'changed ' || n,
    'attributes', '{}'::jsonb, 'attributes_if_empty', '{}'::jsonb, 'profile', jsonb_build_object('nickname', 'changed ' || n),
    'drops_token', false)) AS findings
FROM (SELECT id, n, (n - 1) / :page AS page, (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + n / 1000), 12, '0')
    || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5((n + 1)::text), 1, 15))::uuid AS event FROM (
    SELECT id, row_number() OVER (ORDER BY id) AS n FROM federated_identities
    WHERE tenant_id = :'tenant' AND identity_application_id = :'application' ORDER BY id LIMIT :rows) AS numbered) AS paged
GROUP BY page;
-- Writing the commands down is not the reconciler's work.
CREATE TEMP TABLE commands AS
SELECT page, format('EXECUTE store (%L, %L, 1, %L, %L, %L, %L)', :'run', :'holder', lag(last) OVER (ORDER BY page), ids, findings,
  last) AS command
FROM pages;
SELECT clock_timestamp() AS began \gset
\o /dev/null
SELECT command FROM commands ORDER BY page \gexec
\o
SELECT extract(epoch FROM clock_timestamp() - :'began'::timestamptz) || ' ' || count(*)
FROM users WHERE tenant_id = :'tenant' AND identity_application_id = :'application' AND name LIKE 'changed %';
