import Query
import Testing

@testable import Postgres

struct ConnectionParametersTests {
  private func values(_ uri: String) throws -> [String: String] {
    let parameters = try ConnectionParameters(uri: uri, applicationName: "qiao", timeout: .seconds(3))
    return Dictionary(uniqueKeysWithValues: parameters.list(hosts: parameters.hosts).map { ($0.keyword, $0.value) })
  }

  @Test("the URI's word counts, ours fills the gaps")
  func precedence() throws {
    let given = try values("postgresql://me@h:1/d?application_name=x&keepalives_idle=99&options=-c%20a%3Db")
    #expect(given["application_name"] == "x")
    #expect(given["keepalives_idle"] == "99")
    #expect(given["options"] == "-c a=b")
    #expect(given["tcp_user_timeout"] == "5000")
    #expect(given["client_encoding"] == "UTF8")
    #expect(given["connect_timeout"] == "3")
    #expect(try values("postgresql://h/d")["application_name"] == "qiao")
  }

  @Test("hosts keep their order and their ports")
  func hosts() throws {
    let given = try values("postgresql://a:1,b:2,%2Frun/d?target_session_attrs=read-write")
    #expect(given["host"] == "a,b,/run")
    #expect(given["port"]?.hasPrefix("1,2,") == true)
    #expect(given["target_session_attrs"] == "read-write")
    let one = try values("host=a,b port=5 dbname=d")
    #expect(one["port"] == "5,5")
  }

  @Test("only names are looked up")
  func lookup() {
    for name in ["127.0.0.1", "::1", "/run/postgresql", "@abstract"] { #expect(!Host(name: name).needsLookup) }
    #expect(Host(name: "db.internal").needsLookup)
    #expect(!Host(name: "db.internal", address: "10.0.0.1").needsLookup)
    #expect(!Host().needsLookup)
  }

  @Test("a name becomes one host an address, a name without one is left out")
  func resolving() {
    let hosts = [Host(name: "localhost", port: "7"), Host(name: "nowhere.invalid", port: "8"), Host(name: "/run")]
    let resolved = Host.resolved(hosts)
    #expect(resolved.contains(Host(name: "localhost", address: "127.0.0.1", port: "7")))
    #expect(!resolved.contains { $0.name == "nowhere.invalid" })
    #expect(resolved.last == Host(name: "/run"))
  }

  @Test("the list can begin with any host")
  func rotation() {
    let hosts = ["a", "b", "c"].map { Host(name: $0) }
    #expect(ConnectionParameters.rotated(hosts, by: 4).map(\.name) == ["b", "c", "a"])
    #expect(ConnectionParameters.rotated([], by: 4) == [])
  }

  @Test(
    "what cannot be read is refused without quoting it",
    arguments: ["postgresql://u:hunter2@h/d?nosuch=1", "hunter2", "host=a,b,c port=1,2 password=hunter2"])
  func unreadable(uri: String) {
    #expect {
      try ConnectionParameters(uri: uri, applicationName: "qiao", timeout: .seconds(2))
    } throws: { error in
      guard let error = error as? DatabaseError, case .unavailable(let reason) = error else { return false }
      return !reason.contains("hunter2")
    }
  }
}
