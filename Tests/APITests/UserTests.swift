import Foundation
import Identity
import JSON
import Observability
import Testing

@Suite("users")
struct UserTests {
  @Test("a new user is local, active, and shows no password")
  func create() async throws {
    let tenant = try await TestServer.shared().tenant()
    let application = try await tenant.application()
    let made = try await tenant.send(
      "POST", "identity-applications/\(application)/users",
      """
      {"username":"Alice","name":"Alice 李","phone_number":"+8613812345678","phone_number_verified":true,
       "email":"a@acme.example","attributes":{"given_name":"Alice","n":1.50},"password":"correct horse"}
      """)
    #expect(made.status == 201)
    #expect(made["origin"]?.string == "local")
    #expect(made["status"]?.string == "active")
    #expect(made["phone_number_verified"]?.boolean == true)
    #expect(made["email_verified"]?.boolean == false)
    #expect(made["attributes"]?.object?["n"] == .number("1.50"))
    #expect(made["last_login_at"] == .null)
    #expect(made["password"] == nil && !made.text.contains("scrypt"))
    let id = try #require(made["id"]?.string)
    let hash = try await tenant.server.database.administer("SELECT password_hash FROM users WHERE id = '\(id)'")[0][0]
    #expect(await PasswordHash.matches(Secret("correct horse"), hash))
    #expect(await !PasswordHash.matches(Secret("wrong horse"), hash))
  }

  @Test("username, phone number and address are unique in one application, whatever the case")
  func unique() async throws {
    let tenant = try await TestServer.shared().tenant()
    let (one, other) = (try await tenant.application(), try await tenant.application())
    let fields = #""username":"Bob","email":"bob@acme.example","phone_number":"+8613800000001""#
    _ = try await tenant.user(of: one, fields)
    for (body, code) in [
      (#"{"username":"bOB"}"#, "username_taken"), (#"{"email":"BOB@acme.example"}"#, "email_taken"),
      (#"{"phone_number":"+8613800000001"}"#, "phone_number_taken"),
    ] {
      let answer = try await tenant.send("POST", "identity-applications/\(one)/users", body)
      #expect(answer.status == 409)
      #expect(answer["code"]?.string == code)
    }
    _ = try await tenant.user(of: other, fields)
  }

  @Test("each filter finds the user it names, and only with the others")
  func filters() async throws {
    let tenant = try await TestServer.shared().tenant()
    let application = try await tenant.application()
    let client = try await tenant.miniapp(of: application)
    let id = try await tenant.user(
      of: application, #""username":"Carol","email":"Carol@acme.example","phone_number":"+8613800000002""#)
    _ = try await tenant.user(of: application, #""username":"dave""#)
    try await tenant.server.database.administer(
      """
      INSERT INTO federated_identities (tenant_id, id, identity_application_id, user_id, client_id, app_id, openid, unionid)
      VALUES ('\(tenant.id)', gen_random_uuid(), '\(application)', '\(id)', '\(client)', 'wx1', 'openid-c', 'union-c'),
        ('\(tenant.id)', gen_random_uuid(), '\(application)', '\(id)', NULL, 'wx2', 'openid-2', NULL)
      """)
    let path = "identity-applications/\(application)/users"
    for query in [
      "username=cAROL", "email=carol%40ACME.example", "phone_number=%2B8613800000002", "unionid=union-c",
      "openid=openid-c", "openid=openid-2", "unionid=union-c&openid=openid-2&status=active", "username=carol&limit=1",
    ] {
      let found = try await tenant.send("GET", "\(path)?\(query)")
      #expect(found.items.compactMap { $0["id"]?.string } == [id], "\(query)")
      #expect(found["next_cursor"] == .null)
    }
    for query in [
      "username=erin", "username=carol&openid=nobody", "username=carol&status=disabled", "unionid=openid-c",
    ] {
      #expect(try await tenant.send("GET", "\(path)?\(query)").items.isEmpty, "\(query)")
    }
    #expect(try await tenant.send("GET", "\(path)?status=active").items.count == 2)
    #expect(try await tenant.send("GET", "\(path)?nickname=x").pointers == ["?nickname"])
    #expect(try await tenant.send("GET", "\(path)?status=active&status=active").status == 422)
  }

  @Test("a patch merges attributes in depth and null takes away")
  func patch() async throws {
    let tenant = try await TestServer.shared().tenant()
    let user = try await tenant.user(
      of: try await tenant.application(),
      #""username":"f","attributes":{"a":1,"b":{"c":1,"d":2},"e":[1]},"phone_number":"+8613800000003","phone_number_verified":true"#
    )
    let patched = try await tenant.send(
      "PATCH", "users/\(user)", #"{"username":null,"attributes":{"a":null,"b":{"c":null,"x":{"y":null}},"e":{"z":1}}}"#)
    #expect(patched.status == 200)
    #expect(patched["username"] == .null)
    #expect(patched["attributes"] == (try JSONValue(parsing: Array(#"{"b":{"d":2,"x":{}},"e":{"z":1}}"#.utf8))))
    #expect(patched["phone_number_verified"]?.boolean == true)
    let moved = try await tenant.send("PATCH", "users/\(user)", #"{"phone_number":"+8613800000004"}"#)
    #expect(moved["phone_number_verified"]?.boolean == false)
    let claim = try await tenant.send("PATCH", "users/\(user)", #"{"attributes":{"birthdate":1990,"address":"x"}}"#)
    #expect(claim.pointers.sorted() == ["/attributes/address", "/attributes/birthdate"])
  }

  @Test("a deleted user and a user of another tenant are as unknown as one nobody has")
  func unknown() async throws {
    let server = try await TestServer.shared()
    let (one, other) = (try await server.tenant(), try await server.tenant())
    let gone = try await one.user(of: try await one.application())
    let foreign = try await other.user(of: try await other.application())
    let foreignApplication = try await other.application()
    #expect(try await one.send("DELETE", "users/\(gone)").status == 204)
    let nobody = try await one.send("GET", "users/\(UUID().uuidString.lowercased())")
    #expect(nobody.status == 404)
    for id in [gone, foreign] {
      #expect(try await one.send("GET", "users/\(id)").comparable == nobody.comparable)
      #expect(try await one.send("PATCH", "users/\(id)", #"{"name":"x"}"#).comparable == nobody.comparable)
      #expect(try await one.send("DELETE", "users/\(id)").comparable == nobody.comparable)
    }
    let path = "identity-applications/\(foreignApplication)/users"
    #expect(try await one.send("GET", path).comparable == nobody.comparable)
    #expect(try await one.send("POST", path, "{}").comparable == nobody.comparable)
    #expect(try await other.send("GET", "users/\(foreign)").status == 200)
  }

  @Test("a list goes on where its cursor ends, newest first")
  func pages() async throws {
    let tenant = try await TestServer.shared().tenant()
    let application = try await tenant.application()
    var made: [String] = []
    for number in 0..<5 { made.append(try await tenant.user(of: application, #""username":"u\#(number)""#)) }
    var (seen, cursor): ([String], String?) = ([], nil)
    repeat {
      let more = cursor.map { "&cursor=\($0)" } ?? ""
      let page = try await tenant.send("GET", "identity-applications/\(application)/users?limit=2\(more)")
      #expect(page.status == 200)
      seen += page.items.compactMap { $0["id"]?.string }
      cursor = page["next_cursor"]?.string
    } while cursor != nil && seen.count < 10
    #expect(seen == made.reversed())
    let other = try await tenant.application()
    let first = try await tenant.send("GET", "identity-applications/\(application)/users?limit=1")
    let stolen = try #require(first["next_cursor"]?.string)
    let refused = try await tenant.send("GET", "identity-applications/\(other)/users?limit=1&cursor=\(stolen)")
    #expect(refused.status == 422)
  }
}
