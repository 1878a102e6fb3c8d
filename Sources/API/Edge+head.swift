extension Edge {
  /// True for an address whose GET has an effect, such as spending a code. HEAD must have none (RFC 9110 section 9.3.2), and
  /// link checkers send it to whatever they see.
  static func spends(_ path: String) -> Bool {
    let last = path.split(separator: "/").last ?? ""
    return path.hasSuffix("/federation/wechat/miniapp/profile") || path.contains("/wechat/callback/")
      || path.contains("/wechat/start/") || last == "authorize" || last == "logout"
  }
}
