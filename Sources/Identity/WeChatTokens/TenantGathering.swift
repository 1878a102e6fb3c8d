import Query
import Tenancy

/// Does in one statement what is asked for one by one: what comes for a tenant while its last statement is under way waits for the
/// next one.
///
/// ```
///  quiet:  a ─► [a]
///  busy:   a ─► [a]    b, c, d ─► wait ─► [b c d]    e … ─► wait ─► …
/// ```
///
/// Nothing waits for a clock: where little happens nothing is delayed, and where much happens statements grow as they must.
actor TenantGathering<Item: Sendable, Outcome: Sendable> {
  /// Runs a statement for items; gives back those that had an outcome, in any order.
  typealias Run = @Sendable (_ items: [Item], TenantDatabase) async throws(DatabaseError) -> [Placed]

  /// The outcome of the item at a place, counted from 1.
  struct Placed: Sendable {
    let place: Int
    let outcome: Outcome
  }

  private struct Waiter {
    let item: Item
    let continuation: CheckedContinuation<Result<Outcome?, DatabaseError>, Never>
  }

  /// More is no cheaper an item, and holds locks for longer.
  private static var most: Int { 200 }

  private let run: Run
  /// Who waits for the next statement of a tenant; a tenant without an entry has none under way.
  private var waiting: [ID<Tenant>: [Waiter]] = [:]

  init(_ run: @escaping Run) { self.run = run }

  /// The outcome of an item; `nil` when the statement had none for it.
  /// - Throws: `IdentityFault.database` when the statement failed, for each of those who went with it.
  func outcome(of item: Item, in database: TenantDatabase) async throws(IdentityFault) -> Outcome? {
    let result = await withCheckedContinuation { continuation in
      let waiter = Waiter(item: item, continuation: continuation)
      let tenant = database.tenant.id
      guard waiting[tenant] == nil else {
        waiting[tenant]?.append(waiter)
        return
      }
      waiting[tenant] = [waiter]
      Task { await work(database) }
    }
    do {
      return try result.get()
    } catch {
      throw .database(error)
    }
  }

  /// How many wait for the next statement of a tenant.
  func count(of tenant: ID<Tenant>) -> Int { waiting[tenant]?.count ?? 0 }

  private func work(_ database: TenantDatabase) async {
    let tenant = database.tenant.id
    while let waiters = waiting[tenant]?.prefix(Self.most), !waiters.isEmpty {
      waiting[tenant]?.removeFirst(waiters.count)
      await tell(Array(waiters), database)
    }
    waiting[tenant] = nil
  }

  private func tell(_ waiters: [Waiter], _ database: TenantDatabase) async {
    do throws(DatabaseError) {
      let outcomes = Dictionary(try await run(waiters.map(\.item), database).map { ($0.place, $0.outcome) }) { $1 }
      for (index, waiter) in waiters.enumerated() {
        waiter.continuation.resume(returning: .success(outcomes[index + 1]))
      }
    } catch {
      for waiter in waiters { waiter.continuation.resume(returning: .failure(error)) }
    }
  }
}
