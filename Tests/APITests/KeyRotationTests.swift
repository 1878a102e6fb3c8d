import Foundation
import JSON
import TestSupport
import Testing

@Suite("qiao keys rotate")
struct KeyRotationTests {
  private static let newKey = "t2:\(Data(repeating: 9, count: 32).base64EncodedString())"

  @Test("seals everything with the first key while the server answers, and again does nothing")
  func rotate() async throws {
    // Servers of its own: the others do not have the second key.
    let database = try await TestDatabase.separate()
    let both = "\(Self.newKey),\(TestServer.masterKey)"
    let old = try await TestServer.start(on: database)
    let miniapp = try await TestMiniapp.make(on: old)
    var people: [String: TestServer.Answer] = [:]
    for number in 0..<250 {
      let person = "person\(number)"
      people[person] = try await miniapp.register(person, #", "phone_code": "\#(miniapp.phoneCode(person))""#)
    }
    #expect(try await Self.keyIDs(database) == ["t1"])

    let rotation = try await Program(
      "qiao", ["keys", "rotate"], environment: old.environment(masterKeys: both)
    ).ended(limit: .seconds(30))
    #expect(rotation.status == 0, "\(rotation.errors)")
    #expect(rotation.output.contains("with key 't2'"))
    #expect(try await Self.keyIDs(database) == ["t2"])
    let again = try await Program("qiao", ["keys", "rotate"], environment: old.environment(masterKeys: both)).ended()
    #expect(again.output.contains("Sealed 0 values"))

    // A server with the new key alone goes on: it signs, it knows the people, and it calls WeChat.
    let new = try await TestServer.start(on: database, masterKeys: Self.newKey, refreshesTokens: false)
    let person = try #require(people["person7"])
    let path = miniapp.issuerPath
    let refreshed = try await new.send(
      "POST", "\(path)/userinfo", key: person.text("access_token"))
    #expect(refreshed.status == 200)
    #expect(refreshed["sub"]?.string == person.sub)
  }

  @Test("tells of values that no key opens, and fails")
  func lostKey() async throws {
    let database = try await TestDatabase.separate()
    let server = try await TestServer.start(on: database)
    _ = try await TestMiniapp.make(on: server)
    let ended = try await Program(
      "qiao", ["keys", "rotate"], environment: server.environment(masterKeys: Self.newKey)
    ).ended()
    #expect(ended.status == 1)
    #expect(ended.errors.contains("open with none of the keys"))
    #expect(try await Self.keyIDs(database) == ["t1"])
  }

  /// The ids of the keys that sealed what is stored: each sealed value begins with a version, a length and the id.
  private static func keyIDs(_ database: TestDatabase) async throws -> [String] {
    let columns = [
      ("signing_keys", "private_key_sealed"), ("third_party_authz_clients", "app_secret_sealed"),
      ("federated_identities", "session_key_sealed"), ("wechat_app_tokens", "access_token_sealed"),
    ]
    var ids: Set<String> = []
    for (table, column) in columns {
      let rows = try await database.administer(
        "SELECT DISTINCT encode(substring(\(column) FOR 4), 'escape') FROM \(table) WHERE \(column) IS NOT NULL")
      for row in rows { ids.formUnion(["t1", "t2"].filter { row[0]?.contains($0) == true }) }
      #expect(!rows.isEmpty || table == "federated_identities" || table == "wechat_app_tokens", "\(table)")
    }
    return ids.sorted()
  }
}
