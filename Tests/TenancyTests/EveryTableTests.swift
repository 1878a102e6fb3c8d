import Foundation
import TestSupport
import Testing

/// What the server's role can do to another tenant's rows, tried on every tenant table there is: nothing.
@Suite struct EveryTableTests {
  /// Puts a row of tenant B into each table, and then, as `qiao_app` inside tenant A, reads, changes, deletes, adds and replaces it,
  /// and gives a row of A to B. What worked stands in `found`. Constraints and triggers are off, so that a row of each table can be
  /// made of its columns alone; all of it is rolled back.
  private static func attempt(before: String = "") -> String {
    """
    BEGIN;
    SET LOCAL session_replication_role = replica;
    \(before);
    CREATE TEMP TABLE found (name text, attempt text) ON COMMIT DROP;
    CREATE TEMP TABLE tried (name text) ON COMMIT DROP;
    DO $do$
    DECLARE
      a constant uuid := gen_random_uuid();
      b constant uuid := gen_random_uuid();
      t record; rule record; names text; ours text; theirs text; key text; n bigint; worked text[];
    BEGIN
      FOR t IN
        SELECT c.oid, c.oid::regclass AS name FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND (EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) OR c.relname = 'mutant')
      LOOP
        FOR rule IN SELECT conname FROM pg_constraint WHERE conrelid = t.oid AND contype = 'c' LOOP
          EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', t.name, rule.conname);
        END LOOP;
        FOR rule IN SELECT contypid::regtype AS domain, conname FROM pg_constraint
          WHERE contypid <> 0 AND connamespace = 'public'::regnamespace LOOP
          EXECUTE format('ALTER DOMAIN %s DROP CONSTRAINT %I', rule.domain, rule.conname);
        END LOOP;
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
          string_agg(CASE WHEN attname = 'tenant_id' THEN quote_literal(a) ELSE value END, ', ' ORDER BY attnum),
          string_agg(CASE WHEN attname = 'tenant_id' THEN quote_literal(b) ELSE value END, ', ' ORDER BY attnum)
        INTO names, ours, theirs
        FROM (
          SELECT attname, attnum,
            CASE (SELECT coalesce(nullif(typbasetype, 0), oid) FROM pg_type WHERE oid = atttypid)::regtype::text
            WHEN 'uuid' THEN quote_literal(gen_random_uuid()) WHEN 'text' THEN quote_literal('x')
            WHEN 'bytea' THEN quote_literal('\\x00') WHEN 'timestamp with time zone' THEN 'now()'
            WHEN 'boolean' THEN 'false' WHEN 'jsonb' THEN quote_literal('{}') WHEN 'text[]' THEN quote_literal('{}')
            ELSE '0' END AS value
          FROM pg_attribute WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attnotnull
        ) AS columns;
        SELECT string_agg(quote_ident(attname), ', ') INTO key FROM pg_index x
        JOIN pg_attribute k ON k.attrelid = x.indrelid AND k.attnum = ANY (x.indkey)
        WHERE x.indrelid = t.oid AND x.indisprimary;
        EXECUTE format('INSERT INTO %s (%s) VALUES (%s)', t.name, names, theirs);
        worked := '{}';
        PERFORM set_config('app.tenant_id', a::text, true);
        SET LOCAL ROLE qiao_app;
        EXECUTE format('SELECT count(*) FROM %s', t.name) INTO n;
        IF n > 0 THEN worked := worked || 'SELECT'::text; END IF;
        EXECUTE format('UPDATE %s SET tenant_id = tenant_id', t.name);
        GET DIAGNOSTICS n = ROW_COUNT;
        IF n > 0 THEN worked := worked || 'UPDATE'::text; END IF;
        BEGIN
          EXECUTE format('INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (%s) DO UPDATE SET tenant_id = %L',
            t.name, names, theirs, key, a);
          worked := worked || 'upsert'::text;
        EXCEPTION WHEN insufficient_privilege THEN NULL; END;
        BEGIN
          EXECUTE format('INSERT INTO %s (%s) VALUES (%s)', t.name, names, theirs);
          worked := worked || 'INSERT'::text;
        EXCEPTION WHEN insufficient_privilege THEN NULL; WHEN unique_violation THEN worked := worked || 'key'::text; END;
        EXECUTE format('INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING', t.name, names, ours);
        BEGIN
          EXECUTE format('UPDATE %s SET tenant_id = %L', t.name, b);
          worked := worked || 'give away'::text;
        EXCEPTION WHEN insufficient_privilege THEN NULL; WHEN unique_violation THEN worked := worked || 'give away'::text; END;
        EXECUTE format('DELETE FROM %s', t.name);
        GET DIAGNOSTICS n = ROW_COUNT;
        IF n <> 1 THEN worked := worked || 'DELETE'::text; END IF;
        RESET ROLE;
        INSERT INTO tried VALUES (t.name);
        INSERT INTO found SELECT t.name, unnest(worked);
      END LOOP;
    END $do$;
    """
  }

  @Test(
    "on every tenant table another tenant's row cannot be read, changed, deleted, replaced, added or be given one of ours"
  )
  func everyTable() async throws {
    let database = try await TestDatabase.separate()
    let found = try await database.administer("\(Self.attempt()) SELECT name || ': ' || attempt FROM found")
    #expect(found.isEmpty, "\(found.compactMap { $0[0] })")
    let tried = try await database.administer("\(Self.attempt()) SELECT count(*) FROM tried")
    let tables = try await database.administer(
      "SELECT count(*) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE NOT c.relispartition")
    #expect(tried == tables)
  }

  @Test("a table without a policy is found out, so the attempts can succeed")
  func mutant() async throws {
    let before = """
      CREATE TABLE mutant (tenant_id uuid, id uuid, PRIMARY KEY (tenant_id, id));
      GRANT SELECT, INSERT, UPDATE, DELETE ON mutant TO qiao_app
      """
    let found = try await TestDatabase.separate().administer(
      "\(Self.attempt(before: before)) SELECT attempt FROM found WHERE name = 'mutant' ORDER BY 1")
    let attempts = Set(found.compactMap { $0[0] })
    #expect(attempts.isSuperset(of: ["SELECT", "UPDATE", "upsert", "give away", "DELETE"]), "\(attempts)")
  }

  @Test("no setting is made for longer than its transaction")
  func settings() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources").standardized
    let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
    var seen = 0
    while let file = files?.nextObject() as? URL {
      // The migrator has a connection of its own, and ends with it.
      guard file.pathExtension == "swift", !file.path().contains("/Migrator/") else { continue }
      let text = try String(contentsOf: file, encoding: .utf8)
      for call in text.matches(of: /set_config\([^)]*(?:\([^)]*\)[^)]*)*\)/) {
        seen += 1
        #expect(call.output.hasSuffix(", true)"), "\(file.lastPathComponent): \(call.output)")
      }
      let session = try Regex(
        #"(?m)(?:"|^\s*)(?:SET\s+(?:SESSION\s+)?(?:app\.|ROLE|search_path|row_security|role)|RESET\s+ROLE)"#)
      #expect(text.firstMatch(of: session) == nil, "\(file.lastPathComponent)")
    }
    #expect(seen > 2)
  }

  @Test(
    "the catalogue gives nobody more than the migrations do",
    arguments: [
      (
        "nothing is granted to everybody, now or to come",
        """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public',
          aclexplode(c.relacl) g WHERE g.grantee = 0
        UNION ALL
        SELECT 'default of ' || d.defaclrole::regrole FROM pg_default_acl d, aclexplode(d.defaclacl) g
        WHERE g.grantee = 0 OR g.grantee::regrole::text IN ('qiao_app', 'qiao_worker')
        """
      ),
      (
        "nobody but the owner makes things in the schema",
        """
        SELECT g.grantee::regrole::text FROM pg_namespace n, aclexplode(n.nspacl) g
        WHERE n.nspname = 'public' AND g.privilege_type = 'CREATE'
          AND g.grantee::regrole::text NOT IN ('qiao_owner', 'pg_database_owner', n.nspowner::regrole::text)
        """
      ),
      ("there is no extension", "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"),
      ("each policy binds every role", "SELECT polname FROM pg_policy WHERE polroles <> '{0}'"),
      (
        "functions with dynamic SQL are called by our roles only",
        """
        SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public'
        WHERE p.prosrc ~ '\\mEXECUTE\\M' AND has_function_privilege('public', p.oid, 'EXECUTE') AND p.prorettype <> 'trigger'::regtype
        """
      ),
    ])
  func catalogue(rule: String, offenders: String) async throws {
    let rows = try await TestDatabase.shared().administer(offenders)
    #expect(rows.isEmpty, "\(rule): \(rows.compactMap { $0[0] })")
  }
}
