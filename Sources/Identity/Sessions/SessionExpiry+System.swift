import FoundationEssentials
import Jobs
import Query
import Tenancy

/// Makes the monthly partitions of this month and the next two.
struct PreparePartitions: SystemStatement {
  static let sql: SQL = "SELECT prepare_partitions(2)"

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}

/// Adds the partitions that are new to `sweeps`, and takes out those that are gone.
struct ListRelations: SystemStatement {
  static let sql: SQL = """
    WITH relations AS (
      SELECT coalesce(part.relname, c.relname)::text AS relation, e.name
      FROM expiring_tables e
      JOIN pg_class c ON c.relname = e.name AND c.relnamespace = 'public'::regnamespace
      LEFT JOIN pg_inherits i ON i.inhparent = c.oid
      LEFT JOIN pg_class part ON part.oid = i.inhrelid
      WHERE e.past <> 'false' AND (c.relkind = 'r' OR part.oid IS NOT NULL)
    ), gone AS (
      DELETE FROM sweeps s
      WHERE NOT EXISTS (SELECT FROM relations r WHERE r.relation = s.relation)
        AND (s.lease_until IS NULL OR s.lease_until < now())
    )
    INSERT INTO sweeps (relation, name) SELECT relation, name FROM relations
    ON CONFLICT ON CONSTRAINT sweeps_pkey DO NOTHING
    """
}

/// Takes the relations that are due longest, or whose holder is gone.
struct ClaimSweeps: SystemStatement {
  static let sql: SQL = """
    WITH picked AS (
      SELECT relation FROM sweeps WHERE run_at <= now() AND (lease_until IS NULL OR lease_until < now())
      ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE sweeps s SET lease_owner = $1, lease_until = now() + make_interval(secs => $2), fence = s.fence + 1,
      attempts = s.attempts + 1
    FROM picked p, expiring_tables e
    WHERE s.relation = p.relation AND e.name = s.name
    RETURNING s.relation, s.lease_owner, s.fence, s.next_block, e.monthly
    """
  let lease: Lease
  let limit: Int

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
    binder.bind(limit)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> SessionExpiry.Claim {
    SessionExpiry.Claim(
      relation: try row.next(), holder: try row.next(), fence: try row.next(), nextBlock: try row.next(),
      isMonthly: try row.next())
  }
}

/// Prolongs everything a holder has.
struct RenewSweeps: SystemStatement {
  static let sql: SQL = """
    UPDATE sweeps SET lease_until = now() + make_interval(secs => $2) WHERE lease_owner = $1 AND lease_until > now()
    """
  let lease: Lease

  func bind(to binder: inout Binder) {
    binder.bind(lease.holder)
    binder.bind(lease.seconds)
  }
}

/// Gives everything a holder has back, due at once, where its last batches ended.
struct ReleaseSweeps: SystemStatement {
  static let sql: SQL = """
    UPDATE sweeps SET lease_until = NULL, lease_owner = NULL, run_at = now(), fence = fence + 1 WHERE lease_owner = $1
    """
  let holder: UUID

  func bind(to binder: inout Binder) { binder.bind(holder) }
}

/// One batch; no row when the lease is lost.
struct SweepBlocks: SystemStatement {
  struct Output: Sendable {
    let removed: Int
    let closed: Int
    /// Where the next batch begins; `nil` at the end of the relation.
    let following: Int?
  }

  static let sql: SQL = "SELECT removed, closed, following FROM sweep_blocks($1, $2, $3, $4, $5::bigint::integer)"
  let claim: SessionExpiry.Claim
  let first: Int
  let blocks: Int

  func bind(to binder: inout Binder) {
    binder.bind(claim)
    binder.bind(first)
    binder.bind(blocks)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(removed: try row.next(), closed: try row.next(), following: try row.next())
  }
}

/// Drops the partition when its month is over and nothing in it can live any more; true when it is gone.
struct DropPastPartition: SystemStatement {
  static let sql: SQL = "SELECT drop_past_partition($1, $2, $3)"
  let claim: SessionExpiry.Claim

  func bind(to binder: inout Binder) { binder.bind(claim) }
  static func decode(_ row: inout Row) throws(DecodingFault) -> Bool { try row.next() }
}

/// Ends a pass: the next begins when nineteen times as long has passed, so that reading what still lives costs a twentieth of
/// one connection however large the table is.
struct EndPass: SystemStatement {
  static let sql: SQL = """
    UPDATE sweeps SET lease_until = NULL, lease_owner = NULL, next_block = 0, attempts = 0, last_error = NULL,
      run_at = now() + greatest(make_interval(secs => $4), 19 * (now() - coalesce(pass_begun_at, now())))
    WHERE relation = $1 AND lease_owner = $2 AND fence = $3
    """
  let claim: SessionExpiry.Claim
  let pause: Duration

  func bind(to binder: inout Binder) {
    binder.bind(claim)
    binder.bind(pause / .seconds(1))
  }
}

/// Gives a relation back after a failure, due again after a growing pause.
struct FailSweep: SystemStatement {
  static let sql: SQL = """
    UPDATE sweeps SET lease_until = NULL, lease_owner = NULL, last_error = $4,
      run_at = now() + least(interval '5 minutes', interval '1 second' * power(2, least(attempts, 10) - 1))
    WHERE relation = $1 AND lease_owner = $2 AND fence = $3
    """
  let claim: SessionExpiry.Claim
  let reason: String

  func bind(to binder: inout Binder) {
    binder.bind(claim)
    binder.bind(reason)
  }
}

/// How long the oldest relation that nobody has is due, in seconds.
struct OldestDueSweep: SystemStatement {
  static let sql: SQL = """
    SELECT coalesce(extract(epoch FROM now() - min(run_at)), 0)::double precision FROM sweeps
    WHERE run_at <= now() AND (lease_until IS NULL OR lease_until < now())
    """

  static func decode(_ row: inout Row) throws(DecodingFault) -> Double { try row.next() }
}

extension Binder {
  /// Binds what proves a claim: relation, holder and fence.
  fileprivate mutating func bind(_ claim: SessionExpiry.Claim) {
    bind(claim.relation)
    bind(claim.holder)
    bind(claim.fence)
  }
}
