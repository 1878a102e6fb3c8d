import Query
import Tenancy
import TestSupport
import Testing

@testable import Identity

@Suite("gathering what comes for one tenant")
struct TenantGatheringTests {
  /// A gathering whose statements wait until they are let go, one by one.
  private struct Gate: Sendable {
    let begun = Signal<[Int]>()
    let open: AsyncStream<Bool>.Continuation
    let gathering: TenantGathering<Int, String>

    init() {
      let (stream, open) = AsyncStream.makeStream(of: Bool.self)
      self.open = open
      let begun = begun
      let gate = Turns(stream)
      gathering = TenantGathering { items, _ throws(DatabaseError) in
        begun.send(items)
        guard await gate.next() else { throw .timeout(sent: false) }
        return items.enumerated().filter { $0.element != 13 }.map {
          .init(place: $0.offset + 1, outcome: "\($0.element)")
        }
      }
    }
  }

  private actor Turns {
    private var iterator: AsyncStream<Bool>.Iterator
    init(_ stream: AsyncStream<Bool>) { iterator = stream.makeAsyncIterator() }
    func next() async -> Bool {
      var copy = iterator
      defer { iterator = copy }
      return await copy.next(isolation: self) ?? false
    }
  }

  private func database() async throws -> TenantDatabase {
    let tenant = try await TestServer.shared().tenant()
    let services = tenant.server.runtime.services
    return services.database.scoped(
      to: try await TenantDirectory(database: services.database).scope(slug: tenant.slug))
  }

  @Test("what comes while a statement is under way goes together with the next one; each is told its own outcome")
  func together() async throws {
    let (gate, database) = (Gate(), try await database())
    let first = Task { try await gate.gathering.outcome(of: 1, in: database) }
    #expect(try await gate.begun.next("the first") == [1])
    let others = (10..<20).map { item in Task { try await gate.gathering.outcome(of: item, in: database) } }
    _ = try await eventually("all to wait") { await gate.gathering.count(of: database.tenant.id) == 10 ? true : nil }
    gate.open.yield(true)
    #expect(try await first.value == "1")
    #expect(Set(try await gate.begun.next("the second")) == Set(10..<20))
    gate.open.yield(true)
    for (item, other) in zip(10..<20, others) { #expect(try await other.value == (item == 13 ? nil : "\(item)")) }
  }

  @Test("a tenant does not wait for another one, and a failure is told to who went with it and nobody else")
  func apart() async throws {
    let (gate, one, two) = (Gate(), try await database(), try await database())
    let failing = Task { try await gate.gathering.outcome(of: 1, in: one) }
    #expect(try await gate.begun.next("one's") == [1])
    let beside = Task { try await gate.gathering.outcome(of: 2, in: two) }
    #expect(try await gate.begun.next("two's") == [2])
    gate.open.yield(false)
    gate.open.yield(true)
    let results = [await failing.result, await beside.result]
    #expect(results.filter { if case .failure = $0 { true } else { false } }.count == 1)
    let again = Task { try await gate.gathering.outcome(of: 3, in: one) }
    #expect(try await gate.begun.next("one's again") == [3])
    gate.open.yield(true)
    #expect(try await again.value == "3")
  }
}
