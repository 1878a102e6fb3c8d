import FoundationEssentials
import Jobs
import Query
import Tenancy

/// Ends what is past its life and deletes what is past its retention: sessions, grants, tickets, WeChat codes, revoked tokens and
/// kept answers (contract section 10).
///
/// ```
///  due ─► claimed ─► month over, all rows past ─► dropped
///                └─► batch, batch, … end of the relation ─► due again later
/// ```
///
/// A credential past its life is refused whether or not this runs; it only keeps the tables small. A sweep reads a partition as it
/// lies, some blocks a batch, so the cost of a row is the same for 10^5 rows and for 10^7, and a killed sweep goes on where the
/// last batch ended. Expiry by time leaves no audit event: nobody did it, and there are millions.
public struct SessionExpiry: Sendable {
  /// A relation that a worker holds.
  public struct Claim: Sendable, Equatable {
    /// The partition.
    public let relation: String
    /// Who holds it.
    let holder: UUID
    /// Grows with each claim: what an earlier holder still sends has no effect.
    let fence: Int
    /// Where the last batch ended.
    let nextBlock: Int
    /// True where a whole month can be over.
    let isMonthly: Bool
  }

  /// What a sweep came to.
  public struct Outcome: Sendable, Equatable {
    /// Rows deleted.
    public var removed = 0
    /// Rows ended and kept for their retention.
    public var closed = 0
    /// Partitions dropped.
    public var dropped = 0
    /// Batches, a round trip each.
    public var batches = 0
    /// True when another worker has the relation now.
    public var lostLease = false
  }

  /// How long a batch may take; its size follows. Nobody waits for a batch, but the shorter it is the less a stop costs.
  private static let batchTime = Duration.milliseconds(10)
  /// The pause after a batch, in batches: a sweep without pauses took a whole core, and on two cores one login in a hundred waited
  /// 50 ms for its turn instead of 3 ms; with them it waited no longer than without a sweep, at 160,000 rows a second.
  private static let rest = 1.5
  /// Blocks of 8 KiB a batch: some 40 sessions each.
  private static let batchSizes = 8...4096

  private let database: Database
  private let pause: Duration

  /// An expiry in `database`; `pause` is the least time between two passes over one relation.
  public init(database: Database, pause: Duration = .seconds(5)) {
    self.database = database
    self.pause = pause
  }

  /// Makes the partitions of the next two months and lists what is to be swept; cheap when there is nothing new.
  /// - Throws: `DatabaseError`.
  public func prepare() async throws(DatabaseError) {
    _ = try await database.run(PreparePartitions(), repeatable: true)
    _ = try await database.run(ListRelations(), repeatable: true)
  }

  /// Leases at most `limit` relations that are due, the one that waits longest first.
  /// - Throws: `DatabaseError`.
  public func claim(_ lease: Lease, limit: Int) async throws(DatabaseError) -> [Claim] {
    try await database.run(ClaimSweeps(lease: lease, limit: limit))
  }

  /// Sweeps a relation to its end, or until the task is cancelled; who holds it then gives it back.
  /// - Throws: `DatabaseError`; what was swept before stays swept.
  public func sweep(_ claim: Claim) async throws(DatabaseError) -> Outcome {
    var outcome = Outcome()
    do {
      if claim.isMonthly, claim.nextBlock == 0 {
        // It reads the whole of a month that is over, once.
        let drop = DropPastPartition(claim: claim)
        if try await database.run(drop, deadline: .seconds(300)).first == true {
          outcome.dropped = 1
          return outcome
        }
      }
      var block: Int? = claim.nextBlock
      var blocks = 64
      while let first = block {
        guard !Task.isCancelled else { return outcome }
        let begun = ContinuousClock.now
        let step = SweepBlocks(claim: claim, first: first, blocks: blocks)
        guard let batch = try await database.run(step, repeatable: true).first else {
          outcome.lostLease = true
          return outcome
        }
        outcome.removed += batch.removed
        outcome.closed += batch.closed
        outcome.batches += 1
        block = batch.following
        let took = ContinuousClock.now - begun
        blocks = Self.next(blocks, took: took)
        if block != nil { try? await Task.sleep(for: took * Self.rest) }
      }
      _ = try await database.run(EndPass(claim: claim, pause: pause), repeatable: true)
      return outcome
    } catch {
      _ = try? await database.run(FailSweep(claim: claim, reason: error.kind), repeatable: true)
      throw error
    }
  }

  /// The size of the next batch: towards `batchTime`, at most doubled.
  static func next(_ blocks: Int, took: Duration) -> Int {
    let ratio = batchTime / max(took, .microseconds(100))
    let wanted = Int(Double(blocks) * min(2, max(0.25, ratio)))
    return min(batchSizes.upperBound, max(batchSizes.lowerBound, wanted))
  }
}
