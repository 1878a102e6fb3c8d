import HTTPTypes
import Hummingbird
import Identity
import Observability
import Secrets
import Tenancy

/// The two cookies of an identity application's pages: who is signed in, and which browser an interaction belongs to.
///
/// Each name carries the end of the application's id, because cookies know no paths that an attacker could not reach, and
/// the begin of a UUIDv7 is the same for applications of one minute.
struct PageCookies: Sendable {
  let isSecure: Bool
  private let suffix: String

  /// The cookies of an application; `isSecure` where browsers come by https.
  init(_ application: ID<IdentityApplication>, isSecure: Bool) {
    self.isSecure = isSecure
    suffix = String(application.description.suffix(12))
  }

  private var prefix: String { isSecure ? "__Host-" : "" }
  /// The name of the session's cookie.
  var session: String { "\(prefix)qiao-\(suffix)" }
  /// The name of the browser's cookie.
  var browser: String { "\(prefix)qiao-b-\(suffix)" }

  /// The value of a cookie; `nil` when it is not there, or there more than once.
  func value(_ name: String, in request: Request) -> Secret<String>? {
    let values = request.headers[values: .cookie].flatMap { $0.split(separator: ";") }.compactMap { pair -> String? in
      let pair = pair.drop { $0 == " " }
      return pair.hasPrefix("\(name)=") ? String(pair.dropFirst(name.utf8.count + 1)) : nil
    }
    return values.count == 1 ? Secret(values[0]) : nil
  }

  /// What binds interactions to this browser: what it sent, else something new that is to be set.
  func binding(in request: Request) -> (value: Secret<String>, isNew: Bool) {
    if let sent = value(browser, in: request), Base64URL.decode(sent.expose())?.count == 32 { return (sent, false) }
    return (Secret(Base64URL.string(RandomBytes.make(32))), true)
  }

  /// A `Set-Cookie` that lasts until the browser closes (RFC 6265 section 4.1).
  func set(_ name: String, _ value: Secret<String>) -> HTTPField {
    let secure = isSecure ? "; Secure" : ""
    return HTTPField(name: .setCookie, value: "\(name)=\(value.expose()); Path=/; HttpOnly; SameSite=Lax\(secure)")
  }
}
