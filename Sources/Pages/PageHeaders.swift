import Crypto
import FoundationEssentials
import OAuth

/// The headers of a hosted page: nothing may frame it, nothing runs in it, nothing keeps it, and no address leaves with it.
public struct PageHeaders: Sendable {
  /// `Content-Security-Policy` (CSP Level 3).
  public let contentSecurityPolicy: String

  /// The policy of a page.
  ///
  /// - Parameters:
  ///   - logo: the address of the brand's picture, whose origin is the only one that pictures come from.
  ///   - style: the inline style of the page's colours, allowed by its hash.
  ///   - runsScript: true for the page that submits itself by the script of ours.
  ///   - formTargets: addresses that a form of the page, or a redirect that answers it, may lead to. Browsers hold redirects after
  ///     a POST to `form-action` too, so a sign-in that ends at a client must name its redirect URI here.
  ///   - frames: addresses whose origins may stand in a frame of the page.
  init(logo: String? = nil, style: String?, runsScript: Bool, formTargets: [String], frames: [String] = []) {
    var sources = "'self'"
    if let style {
      sources += " 'sha256-\(Data(SHA256.hash(data: Data(style.utf8))).base64EncodedString())'"
    }
    var targets = ["'self'"]
    for target in formTargets.compactMap(Self.source) where !targets.contains(target) { targets.append(target) }
    let framed = frames.compactMap(Self.source).joined(separator: " ")
    contentSecurityPolicy =
      "default-src 'none'; style-src \(sources); img-src data:\(logo.flatMap(Self.source).map { " \($0)" } ?? ""); "
      + (runsScript ? "script-src 'self'; " : "") + (framed.isEmpty ? "" : "frame-src \(framed); ")
      + "form-action \(targets.joined(separator: " ")); frame-ancestors 'none'; base-uri 'none'"
  }

  /// Names and values, ready to send.
  public var fields: [(name: String, value: String)] {
    [
      ("Content-Type", "text/html; charset=utf-8"),
      ("Content-Security-Policy", contentSecurityPolicy),
      ("Referrer-Policy", "no-referrer"),
      ("Cache-Control", "no-store"),
      ("X-Content-Type-Options", "nosniff"),
      ("X-Frame-Options", "DENY"),
    ]
  }

  /// The source expression of an address: its origin, or its scheme when it has no authority to name; `nil` when it is no address.
  ///
  /// Only the scheme, host and port are taken, whose characters cannot end a directive.
  static func source(_ address: String) -> String? {
    guard let url = WebAddress(address), !["javascript", "data", "vbscript", "blob"].contains(url.scheme) else {
      return nil
    }
    guard url.scheme == "https" || url.scheme == "http" else { return "\(url.scheme):" }
    // A source expression cannot name an IPv6 host: the scheme is the nearest that can be said.
    guard !url.host.contains(":") else { return "\(url.scheme):" }
    return "\(url.scheme)://\(url.host)" + (url.port.map { ":\($0)" } ?? "")
  }
}
