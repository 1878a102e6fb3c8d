/// The parts of an absolute URL that decide whether we accept it (RFC 3986).
///
/// Foundation's parser repairs what it reads; an address that clients compare byte by byte must be refused instead.
public struct WebAddress: Sendable, Equatable {
  /// The scheme in lower case.
  public let scheme: String
  /// The host in lower case, without brackets; empty for a scheme without authority.
  public let host: String
  /// The port, if one is written.
  public let port: Int?
  /// True when a `#` follows.
  public let hasFragment: Bool

  /// Reads an absolute URL of printable ASCII; `nil` for anything with user information, spaces or a broken authority.
  public init?(_ text: String) {
    guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"\"<>\\^`{|}".utf8.contains($0) }),
      let colon = text.firstIndex(of: ":"), Self.isScheme(text[..<colon])
    else { return nil }
    scheme = text[..<colon].lowercased()
    hasFragment = text.contains("#")
    let rest = text[text.index(after: colon)...]
    guard rest.hasPrefix("//") else {
      guard !rest.isEmpty, scheme != "http", scheme != "https" else { return nil }
      host = ""
      port = nil
      return
    }
    let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@"), let (host, port) = Self.split(authority) else { return nil }
    guard !host.isEmpty || (scheme != "http" && scheme != "https") else { return nil }
    self.host = host
    self.port = port
  }

  /// True for `127.0.0.0/8`, `::1` and `localhost`.
  public var isLoopback: Bool {
    host == "localhost" || IPAddress(host).map(\.isLoopback) == true
  }

  /// The origin as browsers write it (RFC 6454 section 6.2); `nil` for an address that is not of the web.
  public var origin: String? {
    guard scheme == "https" || scheme == "http" else { return nil }
    let name = host.contains(":") ? "[\(host)]" : host
    guard let port, port != (scheme == "https" ? 443 : 80) else { return "\(scheme)://\(name)" }
    return "\(scheme)://\(name):\(port)"
  }

  private static func isScheme(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, (0x41...0x5A).contains(first) || (0x61...0x7A).contains(first) else {
      return false
    }
    return text.utf8.allSatisfy {
      switch $0 {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
      default: false
      }
    }
  }

  private static func split(_ authority: Substring) -> (String, Int?)? {
    if authority.hasPrefix("[") {
      guard let close = authority.firstIndex(of: "]") else { return nil }
      let host = String(authority[authority.index(after: authority.startIndex)..<close]).lowercased()
      guard IPAddress(host)?.isIPv6 == true, let port = self.port(authority[authority.index(after: close)...]) else {
        return nil
      }
      return (host, port.value)
    }
    let host = authority.prefix { $0 != ":" }
    guard let port = self.port(authority.dropFirst(host.count)) else { return nil }
    guard host.isEmpty || HostName.isValid(host) else { return nil }
    return (host.lowercased(), port.value)
  }

  private static func port(_ text: Substring) -> (value: Int?, Void)? {
    guard !text.isEmpty else { return (nil, ()) }
    guard text.hasPrefix(":"), (2...6).contains(text.utf8.count),
      text.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(text.dropFirst()),
      (1...65_535).contains(port)
    else { return nil }
    return (port, ())
  }
}
