/// Where an authorization response may go (RFC 9700 section 2.1).
public enum RedirectURI {
  /// True when `asked` is one of `registered`, byte by byte; a native app on a loopback address chooses its port at run time
  /// (RFC 8252 section 7.3).
  public static func isRegistered(_ asked: String, among registered: [String], isNative: Bool) -> Bool {
    // Swift compares strings by canonical equivalence; addresses are compared byte by byte.
    if registered.contains(where: { $0.utf8.elementsEqual(asked.utf8) }) { return true }
    guard isNative, let portless = withoutPort(asked) else { return false }
    return registered.contains { withoutPort($0)?.utf8.elementsEqual(portless.utf8) == true }
  }

  /// A loopback address over http without its port; `nil` for every other address.
  private static func withoutPort(_ text: String) -> String? {
    guard let address = WebAddress(text), address.scheme == "http", address.isLoopback, !address.hasFragment,
      text.hasPrefix("http://")
    else { return nil }
    guard let port = address.port else { return text }
    let scheme = "http://"
    let rest = text.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let suffix = ":\(port)"
    // A port with leading zeros is another spelling, and stays.
    guard authority.hasSuffix(suffix) else { return text }
    return scheme + authority.dropLast(suffix.count) + rest.dropFirst(authority.count)
  }
}
