import Foundation
import TestSupport
import Testing

/// The rules of `sql/README.md`, read off the live catalogue: each query lists the offenders.
@Suite struct CatalogueTests {
  /// Tables that belong to no tenant.
  private static let system =
    """
    ('tenants', 'tenant_domains', 'tenant_erasures', 'operator_idempotency_keys', 'schema_migrations',
      'application_schedules', 'expiring_tables', 'sweeps', 'reconciliation_claims', 'app_token_schedule', 'push_schedule',
      'backchannel_clients', 'backchannel_logouts')
    """

  /// Tables the rules are about: ours, without partitions, which nobody may touch directly.
  private static let tables = """
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN \(system)
    """

  static let rules: [(rule: String, offenders: String)] = [
    (
      "every tenant table has a tenant_id that is not null",
      """
      SELECT t.relname FROM (\(tables)) t WHERE NOT EXISTS (SELECT FROM pg_attribute a
        WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND a.attnotnull AND a.atttypid = 'uuid'::regtype)
      """
    ),
    (
      "row-level security is enabled and forced",
      "SELECT relname FROM (\(tables)) t WHERE NOT (relrowsecurity AND relforcerowsecurity)"
    ),
    (
      "there is one policy, permissive, for all commands, in the canonical form",
      """
      SELECT t.relname FROM (\(tables)) t WHERE (SELECT count(*) FROM pg_policy p WHERE p.polrelid = t.oid) <> 1
        OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND NOT (p.polpermissive AND p.polcmd = '*'
          AND pg_get_expr(p.polqual, p.polrelid) = '(tenant_id = current_tenant())'
          AND pg_get_expr(p.polwithcheck, p.polrelid) = '(tenant_id = current_tenant())'))
      """
    ),
    (
      "every unique key begins with tenant_id",
      """
      SELECT t.relname || '.' || x.indexrelid::regclass FROM (\(tables)) t JOIN pg_index x ON x.indrelid = t.oid
      WHERE x.indisunique AND x.indkey[0] <> (SELECT attnum FROM pg_attribute
        WHERE attrelid = t.oid AND attname = 'tenant_id')
      """
    ),
    (
      "every foreign key between tenant tables carries tenant_id on both sides",
      """
      SELECT k.conname FROM (\(tables)) t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
      WHERE k.confrelid IN (SELECT oid FROM (\(tables)) u) AND NOT (
        k.conkey[1] = (SELECT attnum FROM pg_attribute WHERE attrelid = k.conrelid AND attname = 'tenant_id')
        AND k.confkey[1] = (SELECT attnum FROM pg_attribute WHERE attrelid = k.confrelid AND attname = 'tenant_id'))
      """
    ),
    (
      "the server's roles are not superusers, do not bypass policies, own nothing and are members of nothing",
      """
      SELECT rolname FROM pg_roles r WHERE rolname IN ('qiao_app', 'qiao_worker') AND (rolsuper OR rolbypassrls
        OR rolcreaterole OR rolcreatedb OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid)
        OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid))
      """
    ),
    (
      "nobody but the owner may truncate, refer to, or put triggers on a table",
      """
      SELECT grantee || ' ' || table_name FROM information_schema.role_table_grants
      WHERE table_schema = 'public' AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER') AND grantee <> 'qiao_owner'
      """
    ),
    (
      "partitions are reached through their parent only",
      """
      SELECT a.grantee::regrole || ' ' || c.relname FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public', aclexplode(c.relacl) a
      WHERE c.relispartition AND a.grantee <> 'qiao_owner'::regrole
      """
    ),
    (
      "there is no materialised view and no view without security_invoker",
      """
      SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'
        AND (c.relkind = 'm' OR (c.relkind = 'v' AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false)))
      """
    ),
    (
      "only what works on whole partitions runs with its owner's rights, and with a fixed search path",
      """
      SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'
        AND p.prosecdef AND (p.proname NOT IN ('prepare_partitions', 'sweep_blocks', 'drop_past_partition')
          OR NOT coalesce('search_path=public, pg_temp' = ANY (p.proconfig), false))
      """
    ),
    (
      "what every login writes has domains for its values: a CHECK is read and compiled anew at each statement",
      """
      SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid IN ('users'::regclass,
        'federated_identities'::regclass, 'sessions'::regclass, 'grants'::regclass, 'wechat_code_exchanges'::regclass)
      """
    ),
    (
      "no index is on an expression that row-level security would keep from being used",
      """
      SELECT x.indexrelid::regclass::text FROM (\(tables)) t JOIN pg_index x ON x.indrelid = t.oid
      WHERE x.indexprs IS NOT NULL
      """
    ),
  ]

  @Test("the catalogue holds to the rules of a tenant table", arguments: rules.indices)
  func rule(index: Int) async throws {
    let (rule, offenders) = Self.rules[index]
    let rows = try await TestDatabase.shared().administer(offenders)
    #expect(rows.isEmpty, "\(rule): \(rows.map { $0[0] ?? "" })")
  }

  @Test("a table outside the rules is found, so the rules can fail")
  func mutants() async throws {
    let database = try await TestDatabase.shared()
    // In one transaction that is rolled back: the other tests never see it.
    let rows = try await database.administer(
      """
      BEGIN;
      CREATE TABLE mutant (id uuid PRIMARY KEY, tenant_id uuid NOT NULL);
      CREATE TEMP TABLE found ON COMMIT DROP AS
        SELECT 1 AS rule, x FROM (\(Self.rules[1].offenders)) AS o (x)
        UNION ALL SELECT 2, x FROM (\(Self.rules[2].offenders)) AS o (x)
        UNION ALL SELECT 3, x FROM (\(Self.rules[3].offenders)) AS o (x);
      SELECT rule FROM found WHERE x LIKE 'mutant%' ORDER BY rule
      """)
    #expect(rows.compactMap { $0[0] } == ["1", "2", "3"])
  }
}
