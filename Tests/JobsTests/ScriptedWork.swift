import Jobs
import Synchronization
import TestSupport

/// Work whose rows lie in memory, and that tells what a loop does with it.
final class ScriptedWork: Work {
  /// What a loop did.
  enum Step: Sendable, Equatable {
    case claimed(Int, by: String)
    case began(Int)
    case cancelled(Int)
    case renewed(String)
    case released(String)
  }

  /// The database could not be asked.
  struct Unreachable: Error {}

  private struct State {
    var due: [Int] = []
    var running = 0
    var most = 0
    var holders: Set<String> = []
  }

  let kind: String
  let concurrency: Int
  /// What the loop does, as it happens.
  let steps = Signal<Step>()
  private let state = Mutex(State())
  private let handling: @Sendable (Int) async throws -> Handled
  private let isRenewable: Bool

  /// Work with `due` rows; `handling` is what becomes of a row.
  init(
    kind: String = "scripted", due: Range<Int> = 0..<0, concurrency: Int = 4, isRenewable: Bool = true,
    handling: @escaping @Sendable (Int) async throws -> Handled = { _ in .done(1) }
  ) {
    self.kind = kind
    self.concurrency = concurrency
    self.isRenewable = isRenewable
    self.handling = handling
    state.withLock { $0.due = Array(due) }
  }

  /// The most rows that were handled at once.
  var most: Int { state.withLock { $0.most } }
  /// The rows nobody has.
  var due: [Int] { state.withLock { $0.due } }
  /// How many holders claimed.
  var holders: Int { state.withLock { $0.holders.count } }

  /// Makes a row due.
  func add(_ row: Int) { state.withLock { $0.due.append(row) } }

  func claim(_ lease: Lease, limit: Int) async throws -> [Int] {
    let taken = state.withLock { state in
      state.holders.insert(lease.holder.uuidString)
      let taken = Array(state.due.prefix(limit))
      state.due.removeFirst(taken.count)
      return taken
    }
    steps.send(.claimed(taken.count, by: lease.holder.uuidString))
    return taken
  }

  func handle(_ claim: Int) async throws -> Handled {
    state.withLock { state in
      state.running += 1
      state.most = max(state.most, state.running)
    }
    defer { state.withLock { $0.running -= 1 } }
    steps.send(.began(claim))
    do {
      return try await handling(claim)
    } catch is CancellationError {
      add(claim)
      steps.send(.cancelled(claim))
      throw CancellationError()
    }
  }

  func renew(_ lease: Lease) async throws {
    guard isRenewable else { throw Unreachable() }
    steps.send(.renewed(lease.holder.uuidString))
  }

  func release(_ lease: Lease) async throws { steps.send(.released(lease.holder.uuidString)) }

  func lag() async throws -> Double { due.isEmpty ? 0 : 7 }
}
