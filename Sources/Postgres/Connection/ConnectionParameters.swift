import CLibpq
import Query

/// What a connection is opened with: the URI's parameters, then ours, then libpq's (libpq chapter 34.1.2).
struct ConnectionParameters: Sendable {
  /// Everything except hosts and ports.
  private let values: [String: String]
  /// At least one; tried in order.
  let hosts: [Host]
  /// How long one attempt may take, all hosts together.
  let timeout: Duration

  /// Said on every connection unless the URI says otherwise.
  private static let defaults = [
    "tcp_user_timeout": "5000", "keepalives": "1", "keepalives_idle": "10", "keepalives_interval": "3",
    "keepalives_count": "3", "client_encoding": "UTF8",
    // Kerberos looks for its tickets with calls that block.
    "gssencmode": "disable",
    "options": "-c statement_timeout=15000 -c plan_cache_mode=force_generic_plan -c timezone=UTC -c datestyle=ISO",
  ]

  /// Reads a connection URI (or libpq's `key=value` form).
  /// - Throws: `.unavailable`; the reason quotes nothing of the URI, which may hold a password.
  init(uri: String, applicationName: String, timeout: Duration) throws(DatabaseError) {
    var message: UnsafeMutablePointer<CChar>?
    guard let parsed = PQconninfoParse(uri, &message) else {
      PQfreemem(message)
      throw .unavailable(reason: "the address of the database is not a libpq connection URI")
    }
    defer { PQconninfoFree(parsed) }
    var given = Self.read(parsed)
    // Where the URI names no host, libpq would ask the environment, and look a name up on the loop's thread.
    if given["host"] == nil, given["hostaddr"] == nil, let environment = PQconndefaults() {
      defer { PQconninfoFree(environment) }
      given.merge(Self.read(environment).filter { ["host", "hostaddr", "port"].contains($0.key) }) { said, _ in said }
    }
    let lists = (
      given.removeValue(forKey: "host"), given.removeValue(forKey: "hostaddr"), given.removeValue(forKey: "port")
    )
    guard let hosts = Host.list(names: lists.0, addresses: lists.1, ports: lists.2) else {
      throw .unavailable(reason: "the address of the database does not have one port or one address a host")
    }
    let ours = [
      "application_name": applicationName, "connect_timeout": String(max(2, timeout.components.seconds)),
    ]
    values = given.merging(ours) { said, _ in said }.merging(Self.defaults) { said, _ in said }
    self.hosts = hosts
    self.timeout = timeout
  }

  private static func read(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
    var values: [String: String] = [:]
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
      option += 1
    }
    return values
  }

  /// Keywords and values for libpq, with these hosts in this order.
  func list(hosts: [Host]) -> [(keyword: String, value: String)] {
    var list = values.map { (keyword: $0.key, value: $0.value) }
    func add(_ keyword: String, _ part: (Host) -> String?) {
      guard hosts.contains(where: { part($0) != nil }) else { return }
      list.append((keyword, hosts.map { part($0) ?? "" }.joined(separator: ",")))
    }
    add("host") { $0.name }
    add("hostaddr") { $0.address }
    add("port") { $0.port }
    return list
  }

  /// `hosts` beginning with another one; after a host that did not answer in time the next attempt begins behind it.
  static func rotated(_ hosts: [Host], by offset: Int) -> [Host] {
    guard !hosts.isEmpty else { return [] }
    let start = offset % hosts.count
    return Array(hosts[start...] + hosts[..<start])
  }
}
