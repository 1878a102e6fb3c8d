import FoundationEssentials
import JSON
import Secrets
import Tenancy

/// A logout token that is to be delivered; its id is the `jti`.
public enum BackchannelLogout {}

/// Makes logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.4).
public struct LogoutTokens: Sendable {
  /// Seconds a token lives: section 4 of the specification advises two minutes at most.
  static let lifetime = 120

  private let issuer: TokenIssuer
  private let keys: SigningKeyCache

  /// Tokens of the issuers that `issuer` names, signed with the applications' own keys.
  public init(issuer: TokenIssuer, keys: SigningKeyCache) {
    self.issuer = issuer
    self.keys = keys
  }

  /// The compact JWS that tells a client of an ended session, ASCII.
  ///
  /// The same delivery has the same `jti` at each attempt, so that a client can tell a repetition.
  /// - Throws: `IdentityFault` when the key cannot be opened or used.
  func make(
    _ logout: ID<BackchannelLogout>, _ found: FindBackchannelLogout.Output, tenant: TenantScope, now: Date
  ) throws(IdentityFault) -> [UInt8] {
    let key = try keys.key(found.key, tenant: tenant.id)
    let issuedAt = Int(now.timeIntervalSince1970)
    let claims = JSONWriter.object(capacity: 400) { json in
      json.member("iss", issuer.issuer(tenant: tenant, application: found.applicationSlug))
      json.member("aud", found.client.canonical)
      json.member("iat", issuedAt)
      json.member("exp", issuedAt + Self.lifetime)
      json.member("jti", logout.description)
      json.member("sub", found.user.description)
      json.member("sid", found.session.description)
      json.key("events")
      json.beginObject()
      json.member("http://schemas.openid.net/event/backchannel-logout", raw: "{}".utf8)
      json.endObject()
    }
    do {
      return try key.sign(claims, as: .logoutToken)
    } catch {
      throw .cryptography("signing with \(key.algorithm.rawValue)")
    }
  }
}
