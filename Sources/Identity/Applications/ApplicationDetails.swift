import FoundationEssentials
import Query
import Tenancy

/// An identity application as its tenant manages it.
public struct ApplicationDetails: Sendable {
  /// The application.
  public let id: ID<IdentityApplication>
  /// Its name in the issuer; fixed, because the issuer is in every token.
  public let slug: String
  /// For people.
  public let name: String
  /// Who may enter by WeChat.
  public let enrollment: String
  /// Whether phone numbers find users.
  public let phoneMatching: String
  /// How its tokens are signed.
  public let signingAlgorithm: String
  /// The lives of what it issues.
  public let lives: ApplicationLives
  /// Counts the changes of the row.
  public let version: Int
  /// When it was made.
  public let createdAt: Date
  /// When it changed last.
  public let updatedAt: Date

  /// Reads the columns `id, slug, name, enrollment, phone_matching, signing_alg`, those of `ApplicationLives`, and
  /// `version, created_at, updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    slug = try row.next()
    name = try row.next()
    enrollment = try row.next()
    phoneMatching = try row.next()
    signingAlgorithm = try row.next()
    lives = try ApplicationLives(&row)
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}

/// How long what an identity application issues lives, in whole seconds.
public struct ApplicationLives: Sendable {
  /// Of an access token.
  public let accessToken: Int
  /// Of an ID token.
  public let idToken: Int
  /// Of a refresh token family, at most.
  public let refreshToken: Int
  /// Of an unused refresh token.
  public let refreshTokenIdle: Int
  /// Of a session, at most.
  public let session: Int
  /// Of an unused session.
  public let sessionIdle: Int
  /// Between two reconciliations; `nil` for never.
  public let reconcileEvery: Int?
  /// Of an ended session's record.
  public let sessionRetention: Int

  /// Reads the columns `access_token_ttl, id_token_ttl, refresh_token_ttl, refresh_token_idle_ttl, session_ttl,
  /// session_idle_ttl, reconcile_every, session_retention`.
  init(_ row: inout Row) throws(DecodingFault) {
    accessToken = try row.next()
    idToken = try row.next()
    refreshToken = try row.next()
    refreshTokenIdle = try row.next()
    session = try row.next()
    sessionIdle = try row.next()
    reconcileEvery = try row.next()
    sessionRetention = try row.next()
  }
}

/// What is wanted of an identity application; what is `nil` stays, or has its default in a new one.
public struct ApplicationChange: Sendable {
  /// For people.
  public var name: String?
  /// Who may enter by WeChat.
  public var enrollment: Enrollment?
  /// Whether phone numbers find users.
  public var phoneMatching: PhoneMatching?
  /// How its tokens are signed; another one than before makes a new key.
  public var signingAlgorithm: SigningAlgorithm?
  /// Seconds.
  public var accessToken: Int?
  /// Seconds.
  public var idToken: Int?
  /// Seconds.
  public var refreshToken: Int?
  /// Seconds.
  public var refreshTokenIdle: Int?
  /// Seconds.
  public var session: Int?
  /// Seconds.
  public var sessionIdle: Int?
  /// Seconds; empty for never.
  public var reconcileEvery: FieldChange<Int> = .keep
  /// Seconds.
  public var sessionRetention: Int?

  /// No change.
  public init() {}

  /// Binds `name, enrollment, phone_matching, signing_alg`, the six lives, `session_retention`, whether `reconcile_every`
  /// changes and to what: 13 parameters.
  func bind(to binder: inout Binder) {
    binder.bind(name)
    binder.bind(enrollment?.rawValue)
    binder.bind(phoneMatching?.rawValue)
    binder.bind(signingAlgorithm?.rawValue)
    for life in [accessToken, idToken, refreshToken, refreshTokenIdle, session, sessionIdle, sessionRetention] {
      binder.bind(life.map { Int32($0) })
    }
    binder.bind(reconcileEvery.map { Int32($0) })
  }
}
