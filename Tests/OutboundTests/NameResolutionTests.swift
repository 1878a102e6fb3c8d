import EventLoop
import FoundationEssentials
import Glibc
import Observability
import RawServer
import Testing

@testable import Outbound

@Suite("Names of other sides", .timeLimit(.minutes(1)))
struct NameResolutionTests {
  /// This machine's own name, which leads to loopback here; libcurl resolves it like any other, on threads.
  private static let name: String? = {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return nil }
    let name = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    var found: UnsafeMutablePointer<addrinfo>?
    defer { freeaddrinfo(found) }
    guard getaddrinfo(name, nil, nil, &found) == 0, let address = found?.pointee.ai_addr,
      address.pointee.sa_family == sa_family_t(AF_INET)
    else { return nil }
    let isLoopback = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      UInt32(bigEndian: $0.pointee.sin_addr.s_addr) >> 24 == 127
    }
    return isLoopback ? name : nil
  }()

  @Test("500 requests to one name at once ask for its address once, not on 500 threads", .enabled(if: name != nil))
  func burst() async throws {
    let server = try RawServer(answering: answer(Array("ok".utf8)))
    // A thread of a lookup has the name of the thread that started it.
    let own = EventLoop(name: "lookups")
    let client = HTTPClient(loop: own)
    defer {
      client.close()
      own.shutdown()
    }
    let url = Secret("http://\(try #require(Self.name)):\(server.port)/?secret=S3CR3T")
    let sampler = Task { await peakThreads("lookups") }
    let answered = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<500 {
        group.addTask { try await client.send(HTTPRequest("GET", url), deadline: .seconds(30)).status }
      }
      return try await group.reduce(into: 0) { count, status in count += status == 200 ? 1 : 0 }
    }
    sampler.cancel()
    #expect(answered == 500)
    let peak = await sampler.value
    #expect((1...2).contains(peak))
  }

  @Test("while one looks a name up the others wait, and all start when it is found")
  func gate() {
    var gate = NameGate<Int>()
    let now = ContinuousClock.now
    let first = (1...4).map { gate.ask("a", $0, now) }
    #expect(first == [.lead, .wait, .wait, .wait])
    let other = gate.ask("b", 5, now)
    #expect(other == .lead)
    gate.leave("a") { $0 == 3 }
    let released = gate.found("a", now)
    #expect(released == [2, 4])
    let later = [Duration.zero, .seconds(49), .seconds(50), .seconds(50)].map { gate.ask("a", 6, now + $0) }
    #expect(later == [.start, .start, .lead, .wait])
  }

  @Test("when a lookup fails the next in line looks up, and after the last the next who comes")
  func gateGivesUp() {
    var gate = NameGate<Int>()
    let now = ContinuousClock.now
    _ = (1...3).map { gate.ask("a", $0, now) }
    let next = (0..<3).map { _ in gate.gaveUp("a") }
    #expect(next == [2, 3, nil])
    let again = gate.ask("a", 4, now)
    #expect(again == .lead)
  }

  @Test("names are not kept without limit")
  func gateIsBounded() {
    var gate = NameGate<Int>()
    for number in 0..<5000 { _ = gate.found("host-\(number)", .now) }
    #expect(gate.count <= NameGate<Int>.mostNames)
  }

  @Test(
    "the name to look up is found in a URL; an address is none",
    arguments: [
      ("https://API.weixin.qq.com/sns/x?a=@b", "api.weixin.qq.com"), ("http://u:p@h:80/", "h"), ("http://h?x", "h"),
      ("http://h#x", "h"), ("http://127.0.0.1:80/", nil), ("http://[::1]:80/", nil), ("nonsense", nil),
      ("http://", nil),
    ] as [(String, String?)])
  func names(url: String, name: String?) {
    #expect(HTTPRequest("GET", Secret(url)).nameToResolve == name)
  }

  @Test("a name that leads nowhere fails for all who asked at once", .enabled(if: name != nil))
  func nowhere() async throws {
    let client = HTTPClient(loop: loop)
    let failures = await withTaskGroup(of: HTTPFailure?.self) { group in
      for _ in 0..<20 {
        group.addTask {
          await failure(of: client, HTTPRequest("GET", Secret("http://no-such-host.invalid/")), deadline: .seconds(5))
        }
      }
      return await group.reduce(into: [HTTPFailure?]()) { all, one in all.append(one) }
    }
    #expect(failures.count == 20)
    for failed in failures {
      switch failed {
      case .notConnected, .timeout: break
      default: Issue.record("\(String(describing: failed))")
      }
    }
  }

  /// The most threads of a name seen until the task is cancelled.
  private func peakThreads(_ name: String) async -> Int {
    var peak = 0
    while !Task.isCancelled {
      let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
      let named = threads.filter {
        FileManager.default.contents(atPath: "/proc/self/task/\($0)/comm") == Data("\(name)\n".utf8)
      }
      peak = max(peak, named.count)
      await Task.yield()
    }
    return peak
  }
}
