import Identity
import JSON

/// What the resources of the operator and management APIs look like, by the noun of their path.
enum ResourceSchemas {
  /// The name and schema of the resource behind the last noun of a path.
  static func of(_ path: String) -> (name: String, schema: JSONObject)? {
    let nouns = path.split(separator: "/").map(String.init)
    return nouns.last { all[$0] != nil }.flatMap { all[$0] }
  }

  /// All of them, by their path's noun.
  static let all: [String: (name: String, schema: JSONObject)] = [
    "tenants": ("Tenant", tenant),
    "api-keys": ("APIKey", apiKey),
    "identity-applications": ("IdentityApplication", application),
    "third-party-authz-clients": ("ThirdPartyAuthzClient", client),
    "oauth-clients": ("OAuthClient", oauthClient),
    "users": ("User", user),
    "identities": ("FederatedIdentity", identity),
    "sessions": ("Session", session),
    "audit-events": ("AuditEvent", auditEvent),
    "jobs": ("Job", job),
    "reconciliations": ("Reconciliation", reconciliation),
    "items": ("ReconciliationItem", reconciliationItem),
    "access-token": ("WeChatAccessToken", accessToken),
  ]

  private static let tenant = resource(
    [
      ("slug", Schema.text), ("name", Schema.text), ("status", Schema.words(["active", "suspended"])),
      ("domains", Schema.texts), ("api_key", Schema.object([("id", Schema.id), ("key", Schema.text)])),
    ], once: ["api_key"])

  private static let apiKey = resource(
    [
      ("name", Schema.text), ("scopes", Schema.array(of: Schema.words(APIScope.allCases.map(\.rawValue)))),
      ("expires_at", Schema.nullable(Schema.time)), ("key", Schema.text),
    ], once: ["key"])

  private static let application = resource([
    ("name", Schema.text), ("slug", Schema.text), ("issuer", Schema.text),
    ("enrollment", Schema.words(["bind", "automatic", "closed"])),
    ("phone_matching", Schema.words(["never", "link"])), ("signing_alg", Schema.words(["ES256", "RS256", "EdDSA"])),
    ("access_token_ttl", Schema.integer), ("id_token_ttl", Schema.integer), ("refresh_token_ttl", Schema.integer),
    ("refresh_token_idle_ttl", Schema.integer), ("session_ttl", Schema.integer), ("session_idle_ttl", Schema.integer),
    ("reconcile_every", Schema.nullable(Schema.integer)), ("session_retention", Schema.integer),
    ("resources", Schema.texts),
    ("mfa", Schema.words(MultiFactor.allCases.map(\.rawValue))),
    (
      "branding",
      Schema.nullable(
        Schema.object([
          ("logo_uri", Schema.nullable(Schema.text)), ("primary_color", Schema.nullable(Schema.text)),
          ("background_color", Schema.nullable(Schema.text)),
        ]))
    ),
  ])

  private static let client = resource([
    ("name", Schema.text), ("identity_application_id", Schema.id), ("provider", Schema.text), ("app_id", Schema.text),
    ("open_platform_account", Schema.nullable(Schema.text)), ("scopes", Schema.texts),
    ("property_map", Schema.array(of: Schema.anyObject)), ("enabled", Schema.boolean),
    ("credential_status", Schema.words(["unverified", "ok", "failing"])),
    ("credential_error", Schema.nullable(Schema.anyObject)), ("push_url", Schema.text),
    ("callback_url", Schema.nullable(Schema.text)),
  ])

  private static let oauthClient = resource(
    [
      ("identity_application_id", Schema.id), ("name", Schema.text),
      ("type", Schema.words(["spa", "native", "web", "service"])), ("redirect_uris", Schema.texts),
      ("post_logout_redirect_uris", Schema.texts), ("backchannel_logout_uri", Schema.nullable(Schema.text)),
      ("grant_types", Schema.texts), ("token_endpoint_auth_method", Schema.text),
      ("jwks", Schema.nullable(Schema.anyObject)), ("jwks_uri", Schema.nullable(Schema.text)),
      ("require_pushed_authorization_requests", Schema.boolean), ("require_consent", Schema.boolean),
      ("scopes", Schema.texts), ("dpop_bound_access_tokens", Schema.boolean), ("client_secret", Schema.text),
    ], once: ["client_secret"])

  private static let user = resource([
    ("identity_application_id", Schema.id), ("username", Schema.nullable(Schema.text)),
    ("name", Schema.nullable(Schema.text)), ("picture", Schema.nullable(Schema.text)),
    ("phone_number", Schema.nullable(Schema.text)), ("phone_number_verified", Schema.boolean),
    ("email", Schema.nullable(Schema.text)), ("email_verified", Schema.boolean), ("attributes", Schema.anyObject),
    ("origin", Schema.words(["shadow", "local", "import"])), ("status", Schema.words(["active", "disabled"])),
    ("last_login_at", Schema.nullable(Schema.time)),
  ])

  private static let identity = resource([
    ("third_party_authz_client_id", Schema.nullable(Schema.id)), ("app_id", Schema.text), ("openid", Schema.text),
    ("unionid", Schema.nullable(Schema.text)), ("open_platform_account", Schema.nullable(Schema.text)),
    ("last_login_at", Schema.nullable(Schema.time)),
  ])

  private static let session = resource([
    ("client_id", Schema.nullable(Schema.id)), ("amr", Schema.texts), ("auth_time", Schema.time),
    ("last_seen_at", Schema.time), ("idle_expires_at", Schema.time), ("expires_at", Schema.time),
  ])

  private static let job = resource([
    ("kind", Schema.text), ("target", party), ("status", Schema.words(Job.Status.allCases.map(\.rawValue))),
    ("attempts", Schema.integer), ("next_run_at", Schema.nullable(Schema.time)),
    ("last_error", Schema.nullable(Schema.text)),
  ])

  private static let accessToken = Schema.object([("access_token", Schema.text), ("expires_in", Schema.integer)])

  private static let party = Schema.object([("type", Schema.text), ("id", Schema.text)])
  private static let reconciliation = resource([
    ("identity_application_id", Schema.id), ("user_id", Schema.nullable(Schema.id)),
    ("mode", Schema.words(Reconciliation.Mode.allCases.map(\.rawValue))),
    ("status", Schema.words(Reconciliation.Status.allCases.map(\.rawValue))),
    ("progress", Schema.object([("done", Schema.integer), ("total", Schema.nullable(Schema.integer))])),
    ("situations", Schema.anyObject), ("last_error", Schema.nullable(Schema.text)),
    ("started_at", Schema.nullable(Schema.time)), ("finished_at", Schema.nullable(Schema.time)),
  ])

  private static let reconciliationItem = resource([
    ("identity_id", Schema.id), ("situation", Schema.words(Reconciliation.Situation.allCases.map(\.rawValue))),
    ("user_id", Schema.id), ("other_user_id", Schema.nullable(Schema.id)), ("fields", Schema.texts),
    ("wechat_errcode", Schema.nullable(Schema.integer)),
  ])

  private static let auditEvent = resource([
    ("action", Schema.text), ("actor", party), ("target", party), ("at", Schema.time),
    ("request_id", Schema.nullable(Schema.text)), ("details", Schema.anyObject),
  ])

  /// A resource: its id, its members, and its two times; `once` are shown at creation only.
  private static func resource(_ members: [(String, JSONObject)], once: Set<String> = []) -> JSONObject {
    Schema.object(
      [("id", Schema.id)] + members + [("created_at", Schema.time), ("updated_at", Schema.time)], optional: once)
  }
}
