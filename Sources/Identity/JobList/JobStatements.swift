import Query
import Tenancy

/// Jobs, newest first, or the one that is named.
struct ListJobs: TenantStatement {
  static let sql: SQL = """
    SELECT id, kind, target_type, target_id, status, attempts, next_run_at, last_error, created_at, updated_at
    FROM (
      SELECT s.client_id AS id, 'wechat_token_refresh' AS kind, 'third_party_authz_client' AS target_type,
        s.client_id::text AS target_id,
        CASE WHEN s.lease_until > now() THEN 'running' WHEN c.credential_status = 'failing' THEN 'failed'
          WHEN t.last_error IS NOT NULL THEN 'retrying' ELSE 'scheduled' END AS status,
        s.attempts, s.refresh_at AS next_run_at, t.last_error, s.created_at,
        coalesce(t.obtained_at, s.created_at) AS updated_at
      FROM app_token_schedule s
      JOIN third_party_authz_clients c ON c.tenant_id = current_tenant() AND c.id = s.client_id
      LEFT JOIN wechat_app_tokens t ON t.tenant_id = current_tenant() AND t.client_id = s.client_id
      WHERE s.tenant_id = current_tenant()
      UNION ALL
      SELECT r.id, 'profile_reconciliation', 'reconciliation', r.id::text,
        CASE WHEN r.status = 'failed' THEN 'failed' WHEN c.reconciliation_id IS NULL THEN 'done'
          WHEN c.lease_until > now() THEN 'running' WHEN c.attempts > 1 OR r.last_error IS NOT NULL THEN 'retrying'
          ELSE 'scheduled' END,
        coalesce(c.attempts, 0), c.run_at, r.last_error, r.created_at, r.updated_at
      FROM reconciliations r
      LEFT JOIN reconciliation_claims c ON c.tenant_id = current_tenant() AND c.reconciliation_id = r.id
      WHERE r.tenant_id = current_tenant()
      UNION ALL
      SELECT s.push_id, 'wechat_push', 'third_party_authz_client', p.client_id::text,
        CASE WHEN s.lease_until > now() THEN 'running' WHEN s.last_error IS NOT NULL THEN 'retrying' ELSE 'scheduled' END,
        s.attempts, s.run_at, s.last_error, p.received_at, coalesce(s.tried_at, p.received_at)
      FROM push_schedule s
      JOIN wechat_pushes p ON p.tenant_id = current_tenant() AND p.id = s.push_id
      WHERE s.tenant_id = current_tenant()
      UNION ALL
      SELECT d.id, 'backchannel_logout', 'oauth_client', d.client_id::text,
        CASE WHEN d.lease_until > now() THEN 'running' WHEN d.last_error IS NOT NULL THEN 'retrying' ELSE 'scheduled' END,
        d.attempts, d.run_at, d.last_error, d.created_at, coalesce(d.tried_at, d.created_at)
      FROM backchannel_logouts d
      WHERE d.tenant_id = current_tenant()
      UNION ALL
      SELECT a.id, 'session_expiry', 'identity_application', a.id::text,
        CASE WHEN s.is_running THEN 'running' WHEN s.last_error IS NOT NULL THEN 'retrying' ELSE 'scheduled' END,
        s.attempts, s.run_at, s.last_error, a.created_at, coalesce(s.begun_at, a.created_at)
      FROM identity_applications a, (
        SELECT coalesce(bool_or(lease_until > now()), false) AS is_running, coalesce(max(attempts), 0) AS attempts,
          min(run_at) AS run_at, max(last_error) AS last_error, max(pass_begun_at) AS begun_at
        FROM sweeps WHERE name = 'sessions'
      ) AS s
      WHERE a.tenant_id = current_tenant()
    ) AS job
    WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR kind = $3) AND ($4::text IS NULL OR status = $4)
      AND ($5::text IS NULL OR target_id = $5) AND ($6::uuid IS NULL OR id = $6)
    ORDER BY id DESC LIMIT $2
    """
  let slice: ListSlice
  let filter: JobFilter
  let job: ID<Job>?

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(filter.kind)
    binder.bind(filter.status?.rawValue)
    binder.bind(filter.target)
    binder.bind(job)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Job { try Job(&row) }
}

/// Makes a job due now and wakes a worker; a reconciliation that failed is queued again and goes on where it stopped. No row for a
/// job that is over.
struct RunJob: TenantStatement {
  static let sql: SQL = """
    WITH refresh AS (
      UPDATE app_token_schedule SET refresh_at = least(refresh_at, now())
      WHERE tenant_id = current_tenant() AND client_id = $5
      RETURNING client_id AS id, 'wechat_token_refresh' AS kind
    ), reconciliation AS (
      UPDATE reconciliation_claims SET run_at = least(run_at, now())
      WHERE tenant_id = current_tenant() AND reconciliation_id = $5
      RETURNING reconciliation_id AS id, 'profile_reconciliation' AS kind
    ), requeued AS (
      UPDATE reconciliations SET status = 'queued', finished_at = NULL, last_error = NULL, updated_at = now(),
        version = version + 1
      WHERE tenant_id = current_tenant() AND id = $5 AND status = 'failed'
      RETURNING id, 'profile_reconciliation' AS kind
    ), claim AS (
      INSERT INTO reconciliation_claims (tenant_id, reconciliation_id) SELECT current_tenant(), id FROM requeued
    ), logout AS (
      UPDATE backchannel_logouts SET run_at = least(run_at, now()) WHERE tenant_id = current_tenant() AND id = $5
      RETURNING id, 'backchannel_logout' AS kind
    ), push AS (
      UPDATE push_schedule SET run_at = least(run_at, now()) WHERE tenant_id = current_tenant() AND push_id = $5
      RETURNING push_id AS id, 'wechat_push' AS kind
    ), application AS (
      SELECT id, 'session_expiry' AS kind FROM identity_applications WHERE tenant_id = current_tenant() AND id = $5
    ), sweep AS (
      -- It is every tenant's sweep: no tenant has it begun more than once a minute.
      UPDATE sweeps SET run_at = now() WHERE name = 'sessions' AND run_at > now() AND EXISTS (SELECT FROM application)
        AND (pass_begun_at IS NULL OR pass_begun_at < now() - interval '1 minute')
    ), due AS (
      SELECT id, kind FROM refresh UNION ALL SELECT id, kind FROM reconciliation UNION ALL SELECT id, kind FROM application
      UNION ALL SELECT id, kind FROM logout UNION ALL SELECT id, kind FROM push
      UNION ALL SELECT id, kind FROM requeued
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'job.run', $2, $3, $4, 'job', id::text, jsonb_build_object('kind', kind) FROM due
    )
    SELECT pg_notify('qiao_work', kind) FROM due
    """
  let author: Author
  let job: ID<Job>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(job)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
