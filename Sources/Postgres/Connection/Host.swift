import Glibc

/// One of the hosts a connection may be made to (libpq chapter 34.1.1.3).
struct Host: Sendable, Equatable {
  /// A name, a numeric address or the folder of a Unix socket; `nil` for libpq's default.
  var name: String?
  /// A numeric address, which spares libpq the look-up.
  var address: String?
  /// `nil` for libpq's default.
  var port: String?

  /// Splits libpq's comma-separated lists; `nil` when their lengths contradict each other.
  static func list(names: String?, addresses: String?, ports: String?) -> [Host]? {
    func split(_ list: String?) -> [String?] {
      guard let list else { return [] }
      return list.split(separator: ",", omittingEmptySubsequences: false).map { $0.isEmpty ? nil : String($0) }
    }
    let (names, addresses, ports) = (split(names), split(addresses), split(ports))
    let count = max(names.count, addresses.count, 1)
    guard names.isEmpty || names.count == count, addresses.isEmpty || addresses.count == count,
      ports.count <= 1 || ports.count == count
    else { return nil }
    return (0..<count).map { index in
      Host(
        name: names.isEmpty ? nil : names[index], address: addresses.isEmpty ? nil : addresses[index],
        port: ports.isEmpty ? nil : ports[ports.count == 1 ? 0 : index])
    }
  }

  /// True for a name that only a look-up turns into an address.
  var needsLookup: Bool {
    guard address == nil, let name, !name.hasPrefix("/"), !name.hasPrefix("@") else { return false }
    var buffer = in6_addr()
    return inet_pton(AF_INET, name, &buffer) != 1 && inet_pton(AF_INET6, name, &buffer) != 1
  }

  /// Looks up the names among `hosts`: a name becomes one host an address, a name without address is left out.
  ///
  /// Blocks for as long as the system's resolver likes; for a thread of its own.
  static func resolved(_ hosts: [Host]) -> [Host] {
    hosts.flatMap { host in
      guard host.needsLookup, let name = host.name else { return [host] }
      return addresses(of: name).map { Host(name: name, address: $0, port: host.port) }
    }
  }

  private static func addresses(of name: String) -> [String] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var found: [String] = []
    var next = list
    while let entry = next?.pointee {
      let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
        let length = socklen_t(buffer.count)
        let code = getnameinfo(
          entry.ai_addr, entry.ai_addrlen, buffer.baseAddress, length, nil, 0, NI_NUMERICHOST)
        return code == 0 ? buffer.baseAddress.map { String(cString: $0) } : nil
      }
      if let text, !found.contains(text) { found.append(text) }
      next = entry.ai_next
    }
    return found
  }
}
