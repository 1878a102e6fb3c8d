import Foundation
import JSON
import Testing

/// Whatever is sent, the answer is a 4xx that says what is wrong, the connection lives and nothing is written.
@Suite("bad input, on every operation")
struct BadInputTests {
  private static let json: [(what: String, body: String)] = [
    ("malformed", #"{"name": "#), ("not an object", "[1,2]"), ("a number", "17"), ("null", "null"),
    ("wrong types", #"{"name":{"a":[1]},"slug":7,"client_id":true,"code":[],"scopes":"x","status":[]}"#),
    ("a repeated member", #"{"name":"a","name":"b"}"#), ("an unknown member", #"{"nickname":"x"}"#),
    ("deep nesting", String(repeating: #"{"a":"#, count: 5000) + "1" + String(repeating: "}", count: 5000)),
    ("deep arrays", #"{"attributes":"# + String(repeating: "[", count: 100_000)),
    ("a lone surrogate", #"{"name":"\ud800","slug":"\udc00","code":"\ud800","client_id":"\ud800"}"#),
    ("NUL and controls", #"{"name":"a\u0000b","slug":"\u0000","code":"\u0000","client_id":"\u0007"}"#),
    ("a huge number", #"{"access_token_ttl":1e999999,"name":9999999999999999999999}"#),
    ("an over-long value", "{\"name\":\"" + String(repeating: "x", count: 60_000) + "\"}"),
    ("text after the value", #"{} {}"#), ("a comment", "{/* */}"), ("NaN", #"{"name":NaN}"#),
  ]

  private static let forms: [(what: String, body: String)] = [
    (
      "a repeated parameter",
      "grant_type=refresh_token&grant_type=refresh_token&token=a&token=b&clientPrimaryId=a&clientPrimaryId=b"
    ),
    ("bad percent-encoding", "grant_type=%zz&token=%2&federateCode=%"), ("not UTF-8", "grant_type=%ff%fe&token=%c0%80"),
    ("NUL", "grant_type=a%00b&token=%00&clientPrimaryId=%00"), ("nothing of use", "=&&==&"),
    ("an over-long value", "grant_type=" + String(repeating: "a", count: 100_000)),
    ("JSON", #"{"grant_type":"refresh_token"}"#),
    (
      "no such client",
      "grant_type=refresh_token&client_id=%27%20OR%201%3D1&refresh_token=qrt_AAAA&token=x&clientPrimaryId=x&federateCode=x"
    ),
  ]

  @Test("a bad body gets a 4xx problem, and nothing is written")
  func bodies() async throws {
    let miniapp = try await TestMiniapp.make()
    let things = try await prepared(miniapp)
    let before = try await Self.rows(miniapp.tenant)
    var tried = 0
    for operation in try await EveryOperation(miniapp.server).all where operation.bodyType != nil {
      for (type, _) in operation.details["requestBody"]?.object?["content"]?.object?.members ?? [] {
        let isForm = type == "application/x-www-form-urlencoded"
        for (what, body) in isForm ? Self.forms : Self.json {
          let answer = try await send(operation, things, body, type: type, miniapp)
          #expect((400..<500).contains(answer.status), "\(operation) with \(what): \(answer.status) \(answer.text)")
          #expect(answer.status != 404 || operation.path.contains("federation"), "\(operation) with \(what)")
          Self.explains(answer, "\(operation) with \(what)")
          tried += 1
        }
      }
    }
    #expect(tried > 200)
    #expect(try await Self.rows(miniapp.tenant) == before)
  }

  @Test("an absent body, another media type and a body over 1 MiB get 400, 415 and 413")
  func media() async throws {
    let miniapp = try await TestMiniapp.make()
    let things = try await prepared(miniapp)
    let huge = #"{"name":""# + String(repeating: "x", count: 1 << 20) + #""}"#
    for operation in try await EveryOperation(miniapp.server).all
    where operation.bodyType.map({ $0 != "application/x-www-form-urlencoded" }) == true {
      let absent = try await send(operation, things, nil, type: "application/json", miniapp)
      #expect(absent.status == 400, "\(operation): \(absent.text)")
      let text = try await send(operation, things, "{}", type: "text/plain", miniapp)
      #expect(text.status == 415, "\(operation): \(text.text)")
      let long = try await send(operation, things, huge, type: operation.bodyType ?? "", miniapp)
      #expect(long.status == 413, "\(operation): \(long.status)")
      for answer in [absent, text, long] { Self.explains(answer, "\(operation)") }
    }
  }

  @Test("an unknown, repeated or malformed query parameter, limit or cursor gets 422 with its name")
  func queries() async throws {
    let miniapp = try await TestMiniapp.make()
    let things = try await prepared(miniapp)
    for operation in try await EveryOperation(miniapp.server).all
    where operation.method == "GET" && ["api_key", "operator_token"].contains(operation.caller) {
      let isList = operation.details["parameters"]?.array?.contains { $0.object?["name"]?.string == "cursor" } == true
      let bad =
        ["nonsense=1"]
        + (isList ? ["limit=0", "limit=201", "limit=x", "cursor=x", "limit=1&limit=2", "limit=%zz"] : [])
      for query in bad {
        let answer = try await send(operation, things, nil, query: query, type: nil, miniapp)
        #expect(answer.status == 422, "\(operation)?\(query): \(answer.status) \(answer.text)")
        #expect(answer.pointers.allSatisfy { $0.hasPrefix("?") } && !answer.pointers.isEmpty)
      }
    }
  }

  @Test("a path that is no path, or an id that is no id, is 404; another method is 405 with Allow")
  func paths() async throws {
    let miniapp = try await TestMiniapp.make()
    let base = "/t/\(miniapp.tenant.slug)/v1"
    for path in [
      "/nowhere", "/t", "/t/", "\(base)/users", "\(base)/users/not-an-id", "\(base)/users/%00",
      "\(base)/users/%2e%2e%2f",
      "\(base)/users/\(UUID().uuidString)", "/t/UPPER/v1/users", "/t/%ff/v1/api-keys",
    ] {
      let answer = try await miniapp.server.send("GET", path, key: miniapp.tenant.key)
      #expect(answer.status == 404, "\(path): \(answer.status)")
    }
    for operation in try await EveryOperation(miniapp.server).all {
      let path = operation.filled(["tenant": miniapp.tenant.slug, "application": miniapp.applicationSlug])
      let answer = try await miniapp.server.send("PROPFIND", path)
      #expect(answer.status == 405 || answer.status == 401, "\(operation): \(answer.status)")
      if answer.status == 405 { #expect(answer.headers["allow"]?.contains(operation.method) == true) }
    }
  }

  /// Ids that exist, so that it is the body that is refused.
  private func prepared(_ miniapp: TestMiniapp) async throws -> [String: String] {
    let user = try await miniapp.register("somebody").sub
    let oauth = try await miniapp.tenant.send(
      "POST", "oauth-clients", #"{"name":"S","identity_application_id":"\#(miniapp.applicationID)","type":"service"}"#)
    let key = try await miniapp.tenant.send("GET", "api-keys").items.first?["id"]?.string
    return [
      "users": user, "identity-applications": miniapp.applicationID, "third-party-authz-clients": miniapp.clientID,
      "oauth-clients": oauth.text("id"), "api-keys": key ?? "", "tenant": miniapp.tenant.slug,
      "slug": miniapp.tenant.slug, "application": miniapp.applicationSlug,
    ]
  }

  private func send(
    _ operation: EveryOperation.Operation, _ things: [String: String], _ body: String?, query: String = "",
    type: String?, _ miniapp: TestMiniapp
  ) async throws -> TestServer.Answer {
    var values = things
    let nouns = operation.path.split(separator: "/").map(String.init)
    values["id"] = nouns.first { things[$0] != nil }.flatMap { things[$0] } ?? UUID().uuidString.lowercased()
    let key =
      switch operation.caller {
      case "operator_token": TestServer.operatorToken
      case "api_key": miniapp.tenant.key
      default: String?.none
      }
    let path = operation.filled(values) + (query.isEmpty ? "" : "?\(query)")
    return try await miniapp.server.send(
      operation.method, path, key: key, body, headers: type.map { [("Content-Type", $0)] } ?? [])
  }

  /// A refusal has a stable word and a sentence, in the form of its endpoint.
  private static func explains(_ answer: TestServer.Answer, _ what: String) {
    // The pages of the OpenID provider explain themselves to people, and lead nowhere.
    if answer.headers["content-type"]?.contains("html") == true {
      #expect(answer.text.contains("name=\"qiao-page\" content=\"error:"), "\(what)")
      #expect(answer.headers["location"] == nil, "\(what)")
      return
    }
    let six = answer["errors"]?.array?.first?.object
    let word = answer["code"]?.string ?? answer["error"]?.string ?? six?["code"]?.string
    let sentence = answer["detail"]?.string ?? answer["error_description"]?.string ?? six?["message"]?.string
    #expect(word?.isEmpty == false && sentence?.isEmpty == false, "\(what): \(answer.text.prefix(300))")
    #expect(answer.headers["content-type"]?.contains("json") == true, "\(what)")
  }

  /// How many rows of the tenant there are.
  private static func rows(_ tenant: TestTenant) async throws -> [String?] {
    var counts: [String?] = []
    for table in [
      "identity_applications", "third_party_authz_clients", "oauth_clients", "users", "federated_identities",
      "sessions",
      "grants", "api_keys", "audit_events", "federation_transactions",
    ] {
      counts += try await tenant.server.database.administer(
        "SELECT count(*) FROM \(table) WHERE tenant_id = '\(tenant.id)'")[0]
    }
    return counts
  }
}
