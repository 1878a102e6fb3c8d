import Observability
import Outbound
import RawServer
import Testing

@Suite("What an error and a description tell", .timeLimit(.minutes(1)))
struct SecrecyTests {
  @Test("no failure says a part of the URL, however it failed")
  func failures() async throws {
    let hanging = try RawServer { _ in }
    let breaking = try RawServer { $0.reset() }
    let talking = try RawServer(answering: answer([UInt8](repeating: 0, count: 100)))
    let nonsense = try RawServer(answering: Array("this is not HTTP\r\n\r\n".utf8))
    let small = HTTPClient(loop: loop, mostBytes: 10)
    let guarded = HTTPClient(loop: loop, reach: .publicOnly)
    let query = "/p4th?secret=S3CR3T"
    let asked: [(HTTPClient, String)] = [
      (small, hanging.url + query), (small, breaking.url + query), (small, talking.url + query),
      (small, nonsense.url + query), (guarded, talking.url + query), (small, "http://127.0.0.1:1" + query),
      (small, "https://127.0.0.1:\(talking.port)" + query), (small, "gopher://127.0.0.1" + query),
      (small, "http://no-such-host.invalid" + query), (small, "http://user:S3CR3T@127.0.0.1:1" + query),
    ]
    for (client, url) in asked {
      let failed = await failure(of: client, HTTPRequest("GET", Secret(url)), deadline: .milliseconds(500))
      var dumped = ""
      dump(failed, to: &dumped)
      let text = "\(try #require(failed)) \(String(reflecting: failed)) \(dumped)"
      for part in ["S3CR3T", "p4th", "secret", "127.0.0.1", "no-such-host"] {
        #expect(!text.contains(part), "\(text)")
      }
    }
  }

  @Test("a request does not show its URL")
  func request() {
    let request = HTTPRequest("GET", Secret("http://h/?secret=S3CR3T"))
    var dumped = ""
    dump(request, to: &dumped)
    #expect(!"\(request) \(String(reflecting: request)) \(dumped)".contains("S3CR3T"))
  }
}
