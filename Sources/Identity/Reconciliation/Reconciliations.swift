import FoundationEssentials
import Query
import Tenancy

/// The reconciliations of a tenant, as its administrators see them; the worker runs them.
public struct Reconciliations: Sendable {
  /// Which runs are wanted; what is `nil` does not matter.
  public struct Filter: Sendable {
    /// Where they are.
    public var status: Reconciliation.Status?
    /// Whose identities.
    public var application: ID<IdentityApplication>?

    /// All.
    public init() {}
  }

  private let database: TenantDatabase

  /// The reconciliations in `database`.
  public init(_ database: TenantDatabase) { self.database = database }

  /// Queues a run; it exists exactly if the caller's batch commits.
  /// - Throws: `.invalid` for an application or user that is not there.
  public func request(
    _ mode: Reconciliation.Mode, application: ID<IdentityApplication>, user: ID<User>?, author: Author
  ) async throws(ManagementRefusal) -> Reconciliation {
    let insert = InsertReconciliation(
      author: author, reconciliation: .make(), application: application, user: user, mode: mode)
    switch try await database.managing(insert).first {
    case .queued(let run): return run
    case .noUser: throw .invalid(field: "user_id", detail: "there is no such user of this identity application")
    case .noApplication, nil:
      throw .invalid(field: "identity_application_id", detail: "there is no such identity application")
    }
  }

  /// Runs, newest first.
  /// - Throws: `ManagementRefusal`.
  public func list(_ filter: Filter, _ slice: ListSlice) async throws(ManagementRefusal) -> [Reconciliation] {
    try await database.managing(ListReconciliations(slice: slice, filter: filter), repeatable: true)
  }

  /// One run.
  /// - Throws: `ManagementRefusal`.
  public func find(_ run: ID<Reconciliation>) async throws(ManagementRefusal) -> Reconciliation {
    try await database.managing(FindReconciliation(reconciliation: run), repeatable: true).first.orNotFound()
  }

  /// What a run came to, newest identity first; `nil` for every situation.
  /// - Throws: `.notFound` when there is no such run.
  public func items(
    of run: ID<Reconciliation>, _ situation: Reconciliation.Situation?, _ slice: ListSlice
  ) async throws(ManagementRefusal) -> [ReconciliationItem] {
    do {
      let list = ListReconciliationItems(slice: slice, reconciliation: run, situation: situation)
      let (runs, items) = try await database.run(FindReconciliation(reconciliation: run), list, repeatable: true)
      guard !runs.isEmpty else { throw ManagementRefusal.notFound }
      return items
    } catch let error as DatabaseError {
      throw ManagementRefusal(error)
    } catch {
      throw .notFound
    }
  }

  /// Stops a run; what it did stays done. Cancelling twice is as good as once.
  /// - Throws: `.conflict` `reconciliation_finished` when it ended by itself before.
  public func cancel(_ run: ID<Reconciliation>, author: Author) async throws(ManagementRefusal) -> Reconciliation {
    let cancelled = try await database.managing(CancelReconciliation(author: author, reconciliation: run)).first
    if let cancelled { return cancelled }
    let found = try await find(run)
    guard found.status == Reconciliation.Status.cancelled.rawValue else {
      throw .conflict(code: "reconciliation_finished", detail: "The reconciliation has ended already.")
    }
    return found
  }
}
