import Foundation
import JSON
import Testing

/// Security section 4: another tenant's things do not exist, on every route there is.
@Suite("tenants do not see each other over HTTP")
struct HTTPIsolationTests {
  @Test("another tenant's key gets the same 401 as a nonsense key, on every management route")
  func foreignKey() async throws {
    let (mine, theirs) = (try await TestServer.shared().tenant(), try await TestServer.shared().tenant())
    let nothing = UUID().uuidString.lowercased()
    var tried = 0
    for operation in try await EveryOperation(mine.server).all where operation.caller == "api_key" {
      let path = operation.filled(["tenant": mine.slug, "id": nothing, "identity_id": nothing, "session_id": nothing])
      let body = operation.bodyType == nil ? nil : "{}"
      let headers = operation.bodyType.map { [("Content-Type", $0)] } ?? []
      let foreign = try await mine.server.send(operation.method, path, key: theirs.key, body, headers: headers)
      let nonsense = try await mine.server.send(operation.method, path, key: "qk_nonsense", body, headers: headers)
      #expect(foreign.status == 401, "\(operation)")
      #expect(foreign.comparable == nonsense.comparable, "\(operation)")
      #expect(foreign.headers["www-authenticate"] == nonsense.headers["www-authenticate"])
      tried += 1
    }
    #expect(tried > 25)
  }

  @Test("another tenant's ids get the same 404 as nonsense ids, on every management route, and nothing changes")
  func foreignIDs() async throws {
    let theirs = try await TestMiniapp.make()
    let mine = try await TestMiniapp.make()
    let things = try await Things(theirs)
    let before = try await things.fingerprint()
    let nothing = UUID().uuidString.lowercased()
    var tried = 0
    for operation in try await EveryOperation(mine.server).all
    where operation.caller == "api_key" && operation.parameters.contains("id") {
      let noun = operation.path.split(separator: "/")[3]
      guard let id = things.ids[String(noun)] else {
        Issue.record("\(operation): no thing of the other tenant for \(noun); add one")
        continue
      }
      var foreign = ["tenant": mine.tenant.slug, "id": id]
      foreign["identity_id"] = things.identity
      foreign["session_id"] = things.session
      let nonsense = foreign.mapValues { $0 == mine.tenant.slug ? $0 : nothing }
      let body = operation.bodyType == nil ? nil : operation.schema(operation.bodyType ?? "").map(Self.body)
      let headers = operation.bodyType.map { [("Content-Type", $0)] } ?? []
      let key = mine.tenant.key
      let asked = try await mine.server.send(
        operation.method, operation.filled(foreign), key: key, body, headers: headers)
      let nobody = try await mine.server.send(
        operation.method, operation.filled(nonsense), key: key, body, headers: headers)
      #expect(asked.status == 404, "\(operation): \(asked.text)")
      #expect(asked.comparable == nobody.comparable, "\(operation)")
      #expect(!asked.text.contains(id), "\(operation) echoes the id")
      tried += 1
    }
    #expect(tried > 18)
    #expect(try await things.fingerprint() == before)
  }

  @Test("an id in a body that belongs to another tenant is refused as one that exists nowhere")
  func foreignReference() async throws {
    let (theirs, mine) = (try await TestMiniapp.make(), try await TestMiniapp.make())
    let nothing = UUID().uuidString.lowercased()
    func refusals(_ application: String) async throws -> [String] {
      var answers: [String] = []
      for (path, rest) in [
        ("third-party-authz-clients", #""name":"M","provider":"wechat_miniapp","app_id":"wx1","app_secret":"s""#),
        ("oauth-clients", #""name":"M","type":"service""#),
      ] {
        let answer = try await mine.tenant.send(
          "POST", path, #"{"identity_application_id":"\#(application)",\#(rest)}"#)
        #expect(answer.status == 422)
        answers.append(answer.comparable)
      }
      return answers
    }
    #expect(try await refusals(theirs.applicationID) == refusals(nothing))
    let profile = try await mine.server.send(
      "POST", "/t/\(mine.tenant.slug)/federation/wechat/miniapp/profile",
      #"{"client_id":"\#(theirs.clientID)","code":"x"}"#)
    #expect(profile.status == 404)
    #expect(profile["code"]?.string == "client_not_found")
  }

  @Test("tokens of one tenant mean nothing at another's endpoints")
  func foreignTokens() async throws {
    let (theirs, mine) = (try await TestMiniapp.make(), try await TestMiniapp.make())
    let signedIn = try await theirs.register("alice")
    #expect(try await mine.userinfo(signedIn.text("access_token")).status == 401)
    #expect(try await mine.refresh(signedIn.text("refresh_token")).text("error") == "invalid_grant")
    let ticket = try await theirs.profile("bob").text("bind_ticket")
    #expect(try await mine.bind(ticket: ticket).text("code") == "bind_ticket_invalid")
    let bound = try await mine.bind(
      ticket: mine.profile("bob").text("bind_ticket"),
      #", "bind_to": {"access_token": "\#(signedIn.text("access_token"))"}"#)
    #expect(bound.text("code") == "bind_to_invalid")
    #expect(try await theirs.refresh(signedIn.text("refresh_token")).status == 200)
  }

  /// The least body a schema accepts.
  private static func body(_ schema: JSONObject) -> String {
    let required = Set(schema["required"]?.array?.compactMap(\.string) ?? [])
    var body = JSONObject()
    for (name, value) in schema["properties"]?.object?.members ?? [] where required.contains(name) {
      body[name] = sample(name, value.object ?? JSONObject())
    }
    return String(decoding: JSONValue.object(body).text, as: UTF8.self)
  }

  private static func sample(_ name: String, _ schema: JSONObject) -> JSONValue {
    if let word = schema["enum"]?.array?.first { return word }
    switch schema["type"]?.string {
    case "integer": return schema["minimum"] ?? .number("1")
    case "boolean": return .boolean(true)
    case "array": return .array([sample(name, schema["items"]?.object ?? JSONObject())])
    case "object": return .object(JSONObject())
    default: return schema["format"]?.string == "uuid" ? .string(UUID().uuidString.lowercased()) : .string("a")
    }
  }
}

/// One thing of each kind in a tenant.
private struct Things {
  let tenant: TestTenant
  /// By the noun in its path.
  let ids: [String: String]
  let identity: String
  let session: String

  init(_ miniapp: TestMiniapp) async throws {
    tenant = miniapp.tenant
    let user = try await miniapp.register("somebody").sub
    let service = try await tenant.send(
      "POST", "oauth-clients", #"{"name":"S","identity_application_id":"\#(miniapp.applicationID)","type":"service"}"#)
    let key = try await tenant.send("POST", "api-keys", #"{"name":"K","scopes":["tenant:read"]}"#)
    let event = try await tenant.send("GET", "audit-events?limit=1").items.first?["id"]?.string
    let run = try await tenant.send(
      "POST", "reconciliations", #"{"identity_application_id":"\#(miniapp.applicationID)","mode":"report"}"#)
    // Nobody is to work on it meanwhile.
    _ = try await tenant.send("POST", "reconciliations/\(run.text("id"))/cancel")
    ids = [
      "users": user, "identity-applications": miniapp.applicationID, "third-party-authz-clients": miniapp.clientID,
      "oauth-clients": service.text("id"), "jobs": miniapp.clientID, "api-keys": key.text("id"),
      "audit-events": event ?? "", "reconciliations": run.text("id"),
    ]
    identity = try await tenant.send("GET", "users/\(user)/identities").items.first?["id"]?.string ?? ""
    session = try await tenant.send("GET", "users/\(user)/sessions").items.first?["id"]?.string ?? ""
  }

  /// All rows of the tenant that a management call could change.
  func fingerprint() async throws -> [String?] {
    var prints: [String?] = []
    for table in [
      "identity_applications", "third_party_authz_clients", "oauth_clients", "users", "federated_identities",
      "sessions",
      "api_keys", "audit_events", "signing_keys",
    ] {
      prints += try await tenant.server.database.administer(
        "SELECT md5(string_agg(t::text, ',' ORDER BY t.id)) FROM \(table) t WHERE tenant_id = '\(tenant.id)'")[0]
    }
    return prints
  }
}
