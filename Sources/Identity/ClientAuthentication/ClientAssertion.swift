import FoundationEssentials
import JSON

/// What a client says of itself in `client_assertion`, read and not yet believed (RFC 7523 section 3, OpenID Connect Core section 9).
struct ClientAssertion: Sendable {
  /// The one `client_assertion_type`.
  static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
  /// How far a client's clock may be ahead of ours, in seconds.
  private static let ahead = 30.0
  /// The longest life of an assertion, in seconds: so long its `jti` is remembered.
  private static let longestLife = 3600.0

  let jws: CompactJWS
  /// `sub`, which is `iss` too: the `client_id`.
  let clientID: String
  /// `aud`
  let audience: String
  /// `exp`, seconds of the Unix epoch.
  let expiresAt: Double
  /// `jti`
  let tokenID: String

  /// Reads an assertion whose times fit `now`.
  ///
  /// `aud` is one string: an assertion for several servers could be used at one of them by another.
  /// - Returns: `nil` for what is no such assertion.
  init?(_ text: String, now: Date) {
    guard let jws = CompactJWS(text), let claims = jws.claims, let subject = claims["sub"]?.string,
      claims["iss"]?.string == subject, let audience = claims["aud"]?.string,
      let tokenID = claims["jti"]?.string, (1...256).contains(tokenID.utf8.count),
      let expiresAt = claims["exp"]?.seconds
    else { return nil }
    let now = now.timeIntervalSince1970
    guard expiresAt > now, expiresAt <= now + Self.longestLife + Self.ahead else { return nil }
    for name in ["nbf", "iat"] where claims[name] != nil {
      guard let moment = claims[name]?.seconds, moment <= now + Self.ahead else { return nil }
    }
    self.jws = jws
    clientID = subject
    self.audience = audience
    self.expiresAt = expiresAt
    self.tokenID = tokenID
  }
}
