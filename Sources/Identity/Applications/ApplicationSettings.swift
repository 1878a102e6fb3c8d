import Query
import Tenancy

/// An identity application: a directory of users that is its own OpenID provider.
public enum IdentityApplication {}

/// Who may enter a directory by WeChat (contract: `enrollment`).
public enum Enrollment: String, Sendable, CaseIterable {
  /// The unknown get a ticket and are created by `bindUser`.
  case bind
  /// The unknown are created at once.
  case automatic
  /// The unknown are refused; existing users may still be bound.
  case closed
}

/// Whether a phone number that WeChat verified finds an existing user (contract: `phone_matching`).
public enum PhoneMatching: String, Sendable, CaseIterable {
  /// Never: the number of another user is a conflict.
  case never
  /// The user with this number is the person.
  case link
}

/// What a login needs to know of its identity application, read in the statement that needs it.
public struct ApplicationSettings: Sendable {
  /// The application.
  public let id: ID<IdentityApplication>
  /// Its name in the issuer.
  public let slug: String
  /// Who may enter.
  public let enrollment: Enrollment
  /// Whether phone numbers find users.
  public let phoneMatching: PhoneMatching
  /// Life of an access token in seconds.
  public let accessTokenTTL: Int
  /// Life of an ID token in seconds.
  public let idTokenTTL: Int
  /// Absolute life of a refresh token family in seconds.
  public let refreshTokenTTL: Int
  /// Life of an unused refresh token in seconds.
  public let refreshTokenIdleTTL: Int
  /// Absolute life of a session in seconds.
  public let sessionTTL: Int
  /// Life of an unused session in seconds.
  public let sessionIdleTTL: Int
  /// The key that signs now.
  let key: StoredSigningKey

  /// Reads the columns `a.id, a.slug, a.enrollment, a.phone_matching, a.access_token_ttl, a.id_token_ttl, a.refresh_token_ttl,
  /// a.refresh_token_idle_ttl, a.session_ttl, a.session_idle_ttl, k.id, k.alg, k.private_key_sealed`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    slug = try row.next()
    enrollment = Enrollment(rawValue: try row.next()) ?? .closed
    phoneMatching = PhoneMatching(rawValue: try row.next()) ?? .never
    accessTokenTTL = try row.next()
    idTokenTTL = try row.next()
    refreshTokenTTL = try row.next()
    refreshTokenIdleTTL = try row.next()
    sessionTTL = try row.next()
    sessionIdleTTL = try row.next()
    key = try StoredSigningKey(&row)
  }
}
