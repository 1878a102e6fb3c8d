import FoundationEssentials
import Query
import Tenancy

/// Compares what WeChat said of a page of identities with what is stored, writes one item for each, and in mode `apply`
/// what is new: one statement, one transaction, whether one user changes or a thousand.
///
/// `report` and `apply` share every line of the comparison; only the writes ask `run.applies`. A unionid that is another user's
/// is kept on the identity and reported, never merged, as at a login (`JoinByUnionid`). No row when the run was cancelled, the
/// lease is lost, or another batch went on from `reached` meanwhile.
struct StoreFindings: TenantStatement {
  static let sql: SQL = """
    WITH run AS (
      SELECT r.id, r.identity_application_id, r.mode = 'apply' AS applies FROM reconciliations r
      WHERE r.tenant_id = current_tenant() AND r.id = $1 AND r.status = 'running' AND r.reached IS NOT DISTINCT FROM $4
      FOR UPDATE
    ), held AS (
      UPDATE reconciliation_claims c SET attempts = 0
      FROM run
      WHERE c.tenant_id = current_tenant() AND c.reconciliation_id = run.id AND c.lease_owner = $2 AND c.fence = $3
        AND c.lease_until > now()
      RETURNING c.reconciliation_id
    ), target AS MATERIALIZED (
      SELECT i.tenant_id, i.id, i.user_id, i.unionid AS old_unionid FROM run, held, unnest($5::uuid[]) AS p (id)
      JOIN federated_identities i ON i.tenant_id = current_tenant() AND i.id = p.id
    ), finding AS MATERIALIZED (
      SELECT f.* FROM run, held, jsonb_to_recordset($6) AS f (id uuid, situation text, errcode integer, profile_event uuid,
        unionid_event uuid, unionid text, account text, username text, username_if_empty text, name text, name_if_empty text,
        picture text, picture_if_empty text, attributes jsonb, attributes_if_empty jsonb, profile jsonb, token text,
        drops_token boolean)
    ), compared AS MATERIALIZED (
      SELECT f.*, t.user_id, t.old_unionid, un.user_id IS NULL AS is_unclaimed,
        coalesce(un.user_id, first_value(t.user_id) OVER (PARTITION BY f.account, f.unionid ORDER BY t.id)) AS owner,
        CASE WHEN f.situation IS NOT NULL THEN '{}' ELSE array_remove(ARRAY[
          CASE WHEN coalesce(f.username, u.username, f.username_if_empty) IS DISTINCT FROM u.username THEN 'username' END,
          CASE WHEN coalesce(f.name, u.name, f.name_if_empty) IS DISTINCT FROM u.name THEN 'name' END,
          CASE WHEN coalesce(f.picture, u.picture, f.picture_if_empty) IS DISTINCT FROM u.picture THEN 'picture' END,
          CASE WHEN (f.attributes_if_empty || u.attributes) || f.attributes IS DISTINCT FROM u.attributes
            THEN 'attributes' END], NULL) END AS fields
      FROM finding f
      JOIN target t ON t.id = f.id
      JOIN users u ON u.tenant_id = current_tenant() AND u.id = t.user_id
      CROSS JOIN run
      LEFT JOIN unified_identities un ON un.tenant_id = current_tenant()
        AND un.identity_application_id = run.identity_application_id AND un.open_platform_account = f.account
        AND un.unionid = f.unionid
    ), judged AS MATERIALIZED (
      SELECT c.*, CASE
        WHEN c.situation IS NOT NULL THEN c.situation
        WHEN c.account IS NOT NULL AND c.unionid IS NOT NULL AND c.owner <> c.user_id THEN 'AMBIGUOUS'
        WHEN c.unionid IS NOT NULL AND (c.unionid IS DISTINCT FROM c.old_unionid OR (c.account IS NOT NULL AND c.is_unclaimed))
          THEN 'FOUND'
        WHEN c.fields <> '{}' THEN 'UPDATED'
        ELSE 'CONFIRMED' END AS verdict
      FROM compared c
    ), changed AS (
      -- Users before identities, as at a login; no two batches write one tenant's users, because it has one run at a time.
      UPDATE users u SET username = coalesce(j.username, u.username, j.username_if_empty),
        name = coalesce(j.name, u.name, j.name_if_empty), picture = coalesce(j.picture, u.picture, j.picture_if_empty),
        attributes = (j.attributes_if_empty || u.attributes) || j.attributes, version = u.version + 1, updated_at = now()
      FROM run, (SELECT DISTINCT ON (user_id) * FROM judged WHERE fields <> '{}' ORDER BY user_id, id) AS j
      WHERE run.applies AND u.tenant_id = current_tenant() AND u.id = j.user_id
      RETURNING u.tenant_id, u.id, j.profile_event, j.fields
    ), known AS (
      UPDATE federated_identities i SET unionid = coalesce(j.unionid, i.unionid),
        open_platform_account = CASE WHEN j.unionid IS NULL THEN i.open_platform_account ELSE j.account END,
        profile = coalesce(j.profile, i.profile),
        oauth_token_sealed = CASE WHEN j.drops_token THEN NULL ELSE coalesce(decode(j.token, 'base64'), i.oauth_token_sealed) END,
        oauth_token_at = CASE WHEN j.token IS NOT NULL OR j.drops_token THEN now() ELSE i.oauth_token_at END,
        updated_at = now()
      FROM run, judged j
      WHERE run.applies AND i.tenant_id = current_tenant() AND i.id = j.id AND (j.token IS NOT NULL OR j.drops_token
        OR (j.profile IS NOT NULL AND i.profile IS DISTINCT FROM j.profile)
        OR (j.unionid IS NOT NULL AND (i.unionid IS DISTINCT FROM j.unionid
          OR i.open_platform_account IS DISTINCT FROM j.account)))
    ), claimed AS (
      -- A login that claims the same unionid meanwhile makes this fail, and the batch is judged again.
      INSERT INTO unified_identities (tenant_id, identity_application_id, open_platform_account, unionid, user_id)
      SELECT DISTINCT current_tenant(), run.identity_application_id, j.account, j.unionid, j.user_id FROM run, judged j
      WHERE run.applies AND j.account IS NOT NULL AND j.unionid IS NOT NULL AND j.is_unclaimed AND j.owner = j.user_id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, details)
      SELECT c.tenant_id, c.profile_event, 'user.updated', 'worker', 'profile-reconciler', 'user', c.id::text,
        jsonb_build_object('fields', to_jsonb(c.fields), 'reconciliation', $1::uuid)
      FROM changed c
      UNION ALL
      SELECT current_tenant(), j.unionid_event,
        CASE WHEN j.verdict = 'FOUND' THEN 'identity.unionid_added' ELSE 'identity.ambiguous' END,
        'worker', 'profile-reconciler', 'identity', j.id::text,
        CASE WHEN j.verdict = 'FOUND' THEN jsonb_build_object('reconciliation', $1::uuid)
          ELSE jsonb_build_object('reconciliation', $1::uuid, 'users', jsonb_build_array(j.user_id, j.owner)) END
      FROM run, judged j
      WHERE run.applies AND (j.verdict = 'FOUND'
        OR (j.verdict = 'AMBIGUOUS' AND j.unionid IS DISTINCT FROM j.old_unionid))
    ), items AS (
      INSERT INTO reconciliation_items (tenant_id, reconciliation_id, situation, identity_id, user_id, other_user_id, fields,
        errcode)
      SELECT t.tenant_id, $1, coalesce(j.verdict, 'UNQUALIFIED'), t.id, t.user_id,
        CASE WHEN j.verdict = 'AMBIGUOUS' THEN j.owner END, coalesce(j.fields, '{}'), j.errcode
      FROM target t LEFT JOIN judged j ON j.id = t.id
      RETURNING situation
    ), counted AS MATERIALIZED (
      SELECT situation, count(*) AS n FROM items GROUP BY situation
    )
    UPDATE reconciliations r SET last_error = NULL, reached = $7, done = r.done + coalesce((SELECT sum(n) FROM counted), 0), updated_at = now(),
      situations = (
        SELECT coalesce(jsonb_object_agg(s.key, s.n), '{}') FROM (
          SELECT a.key, sum(a.n)::bigint AS n FROM (
            SELECT e.key, e.value::bigint AS n FROM jsonb_each_text(r.situations) AS e
            UNION ALL SELECT c.situation, c.n FROM counted c
          ) AS a GROUP BY a.key
        ) AS s)
    FROM run, held
    WHERE r.tenant_id = current_tenant() AND r.id = run.id
    RETURNING r.done
    """
  let claim: ReconciliationClaim
  /// Where the run stands before this batch.
  let reached: UUID?
  /// The identities of this batch; one without a finding could not be asked.
  let identities: [UUID]
  let findings: [Finding]

  func bind(to binder: inout Binder) {
    binder.bind(claim)
    binder.bind(reached)
    binder.bind(ColumnArray(identities))
    binder.bind(findings.recordset)
    binder.bind(identities.last)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Int { try row.next() }
}
