import FoundationEssentials
import Query
import Tenancy

/// An identity application as its tenant's administrator sees it.
public struct ApplicationDetails: Sendable {
  /// The application.
  public let id: ID<IdentityApplication>
  /// For people.
  public let name: String
  /// Its name in the issuer.
  public let slug: String
  /// What can be set.
  public let settings: Values
  /// Counts the changes of the row.
  public let version: Int
  /// When it was made.
  public let createdAt: Date
  /// When it changed last.
  public let updatedAt: Date

  /// The settings; all lives in seconds.
  public struct Values: Sendable {
    /// Who may enter.
    public var enrollment = Enrollment.bind
    /// Whether phone numbers find users.
    public var phoneMatching = PhoneMatching.never
    /// How tokens are signed.
    public var signingAlgorithm = SigningAlgorithm.es256
    /// Life of an access token.
    public var accessTokenTTL = 3600
    /// Life of an ID token.
    public var idTokenTTL = 3600
    /// Absolute life of a refresh token family.
    public var refreshTokenTTL = 2_592_000
    /// Life of an unused refresh token.
    public var refreshTokenIdleTTL = 1_209_600
    /// Absolute life of a session.
    public var sessionTTL = 2_592_000
    /// Life of an unused session.
    public var sessionIdleTTL = 1_209_600
    /// How often profiles are reconciled; `nil` for never.
    public var reconcileEvery: Int?
    /// How long an ended session is kept.
    public var sessionRetention = 0
    /// What access tokens may be for besides the issuer itself: absolute URIs (RFC 8707).
    public var resources: [String] = []
    /// Whether people show a second factor.
    public var mfa = MultiFactor.off
    /// How its pages look; `nil` for the plain look.
    public var branding: ApplicationBranding?

    /// The defaults.
    public init() {}
  }

  /// Reads the columns `id, name, slug, enrollment, phone_matching, signing_alg, access_token_ttl, id_token_ttl,
  /// refresh_token_ttl, refresh_token_idle_ttl, session_ttl, session_idle_ttl, reconcile_every, session_retention, resources,
  /// version, created_at, updated_at, mfa, branding`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    name = try row.next()
    slug = try row.next()
    var values = Values()
    values.enrollment = Enrollment(rawValue: try row.next()) ?? .closed
    values.phoneMatching = PhoneMatching(rawValue: try row.next()) ?? .never
    values.signingAlgorithm = SigningAlgorithm(rawValue: try row.next()) ?? .es256
    values.accessTokenTTL = try row.next()
    values.idTokenTTL = try row.next()
    values.refreshTokenTTL = try row.next()
    values.refreshTokenIdleTTL = try row.next()
    values.sessionTTL = try row.next()
    values.sessionIdleTTL = try row.next()
    values.reconcileEvery = try row.next()
    values.sessionRetention = try row.next()
    values.resources = try row.next(ColumnArray<String>.self).elements
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
    values.mfa = MultiFactor(rawValue: try row.next()) ?? .required
    values.branding = try row.next(JSONText?.self).map(ApplicationBranding.init)
    settings = values
  }
}

/// What a patch wants of an identity application; `nil` leaves a value.
public struct ApplicationPatch: Sendable {
  /// For people.
  public var name: String?
  /// Its name in the issuer.
  public var slug: String?
  /// Who may enter.
  public var enrollment: Enrollment?
  /// Whether phone numbers find users.
  public var phoneMatching: PhoneMatching?
  /// How tokens are signed; a change makes a new key.
  public var signingAlgorithm: SigningAlgorithm?
  /// Lives by column name, in seconds.
  public var lives: [String: Int] = [:]
  /// How often profiles are reconciled.
  public var reconcileEvery = FieldChange<Int>.keep
  /// What access tokens may be for; all of them.
  public var resources: [String]?
  /// Whether people show a second factor.
  public var mfa: MultiFactor?
  /// A merge patch of the look.
  public var branding = FieldChange<JSONText>.keep

  /// A patch that changes nothing.
  public init() {}
}
