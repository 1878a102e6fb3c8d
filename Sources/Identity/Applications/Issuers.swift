import FoundationEssentials
import JSON
import Query
import Secrets
import Synchronization
import Tenancy

/// What an identity application publishes as an OpenID provider, as ready bytes.
public struct PublishedIssuer: Sendable {
  /// The application.
  public let id: ID<IdentityApplication>
  /// Its name in the issuer.
  public let slug: String
  /// Its name for people.
  public let name: String
  /// The `iss`.
  public let issuer: String
  /// How its pages look.
  public let branding: ApplicationBranding?
  /// OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2.
  public let metadata: Document
  /// RFC 7517 section 5.
  public let keys: Document

  /// Bytes with a strong ETag.
  public struct Document: Sendable {
    /// The JSON text.
    public let bytes: [UInt8]
    /// With its quotes.
    public let etag: String

    /// A document of these bytes.
    public init(_ bytes: [UInt8]) {
      self.bytes = bytes
      etag = "\"" + Base64URL.string(Digest.sha256(bytes)[..<16]) + "\""
    }
  }
}

/// The issuers of all tenants, kept as bytes for a second: a busy issuer costs one statement a second and node.
public final class Issuers: Sendable {
  private struct Key: Hashable {
    let tenant: ID<Tenant>
    let slug: String
  }

  private struct Kept {
    let issuer: PublishedIssuer?
    let until: ContinuousClock.Instant
  }

  private static let capacity = 10_000

  private let names: TokenIssuer
  /// How long a node may answer with what it knew.
  let lifetime: Duration
  private let kept = Mutex<[Key: Kept]>([:])

  /// Issuers named by `names`; `lifetime` is how long one is kept.
  public init(names: TokenIssuer, lifetime: Duration = .seconds(1)) {
    self.names = names
    self.lifetime = lifetime
  }

  /// The issuer of the application with this slug; `nil` when there is none.
  /// - Throws: `DatabaseError`.
  public func find(_ slug: String, in database: TenantDatabase) async throws(DatabaseError) -> PublishedIssuer? {
    let key = Key(tenant: database.tenant.id, slug: slug)
    let now = ContinuousClock.now
    if let known = kept.withLock({ $0[key] }), known.until > now { return known.issuer }
    let found = try await database.run(FindIssuer(slug: slug), repeatable: true).first.map {
      publish($0, slug, in: database)
    }
    kept.withLock { table in
      if table.count >= Self.capacity { table.removeAll(keepingCapacity: true) }
      table[key] = Kept(issuer: found, until: now + lifetime)
    }
    return found
  }

  /// Forgets everything; called where applications or keys change, so that this node answers at once.
  public func forget() {
    kept.withLock { $0.removeAll(keepingCapacity: true) }
  }

  private func publish(_ found: FindIssuer.Output, _ slug: String, in database: TenantDatabase) -> PublishedIssuer {
    let issuer = names.issuer(tenant: database.tenant, application: slug)
    return PublishedIssuer(
      id: found.id, slug: slug, name: found.name, issuer: issuer, branding: found.branding,
      metadata: PublishedIssuer.Document(Self.metadata(issuer, found)),
      keys: PublishedIssuer.Document(Array("{\"keys\":[\(found.keys.joined(separator: ","))]}".utf8)))
  }

  private static func metadata(_ issuer: String, _ found: FindIssuer.Output) -> [UInt8] {
    JSONWriter.object(capacity: 2048) { json in
      json.member("issuer", issuer)
      json.member("jwks_uri", "\(issuer)/jwks.json")
      json.member("authorization_endpoint", "\(issuer)/authorize")
      json.member("token_endpoint", "\(issuer)/token")
      json.member("userinfo_endpoint", "\(issuer)/userinfo")
      json.member("end_session_endpoint", "\(issuer)/logout")
      json.member("introspection_endpoint", "\(issuer)/introspect")
      json.member("revocation_endpoint", "\(issuer)/revoke")
      json.member("pushed_authorization_request_endpoint", "\(issuer)/par")
      json.member("require_pushed_authorization_requests", false)
      json.member("device_authorization_endpoint", "\(issuer)/device_authorization")
      json.member("scopes_supported", ["openid", "profile", "email", "phone", "address", "offline_access"])
      json.member("response_types_supported", ["code"])
      json.member("response_modes_supported", ["query", "form_post"])
      json.member("code_challenge_methods_supported", ["S256"])
      json.member("authorization_response_iss_parameter_supported", true)
      json.member("prompt_values_supported", ["none", "login", "consent", "select_account"])
      json.member("ui_locales_supported", ["zh-CN", "en"])
      json.member(
        "grant_types_supported",
        [
          "authorization_code", "client_credentials", "refresh_token",
          "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
          "urn:ietf:params:oauth:grant-type:federation:six-wechat-miniapp",
        ])
      json.member("dpop_signing_alg_values_supported", DPoP.algorithms)
      json.member("acr_values_supported", AuthenticationContext.values)
      json.member("subject_types_supported", ["public"])
      json.member("id_token_signing_alg_values_supported", [found.algorithm])
      let authentication = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
      for (name, methods) in [
        ("token", ["none"] + authentication), ("introspection", authentication),
        ("revocation", ["none"] + authentication),
      ] {
        json.member("\(name)_endpoint_auth_methods_supported", methods)
        json.member("\(name)_endpoint_auth_signing_alg_values_supported", PublicSigningKey.algorithms)
      }
      json.member(
        "claims_supported",
        [
          "iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "sid", "client_id", "amr", "acr", "nonce", "at_hash",
          "name",
          "preferred_username", "picture",
          "updated_at", "given_name", "family_name", "middle_name", "nickname", "profile", "website", "gender",
          "birthdate",
          "zoneinfo", "locale", "email", "email_verified", "phone_number", "phone_number_verified", "address",
        ])
      json.member("claims_parameter_supported", true)
      json.member("backchannel_logout_supported", true)
      json.member("backchannel_logout_session_supported", true)
      json.member("request_parameter_supported", false)
      json.member("request_uri_parameter_supported", false)
    }
  }
}

/// An identity application by slug with the public halves of its keys.
struct FindIssuer: TenantStatement {
  struct Output: Sendable {
    let id: ID<IdentityApplication>
    let name: String
    let algorithm: String
    let keys: [String]
    let branding: ApplicationBranding?
  }

  static let sql: SQL = """
    SELECT a.id, a.name, a.signing_alg, ARRAY(
      SELECT k.public_jwk FROM signing_keys k
      WHERE k.tenant_id = current_tenant() AND k.identity_application_id = a.id
        AND (k.expires_at IS NULL OR k.expires_at > now())
      ORDER BY k.status = 'active' DESC, k.id), a.branding
    FROM identity_applications a
    WHERE a.tenant_id = current_tenant() AND a.slug = $1
    """
  let slug: String

  func bind(to binder: inout Binder) { binder.bind(slug) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    Output(
      id: try row.next(), name: try row.next(), algorithm: try row.next(),
      keys: try row.next(ColumnArray<String>.self).elements,
      branding: try row.next(JSONText?.self).map(ApplicationBranding.init))
  }
}
