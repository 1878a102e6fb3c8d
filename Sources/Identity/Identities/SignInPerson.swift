import FoundationEssentials
import Query
import Secrets
import Tenancy

/// Signs a known person in: finds the identity, applies the profile, makes session and grant, spends the ticket, keeps the
/// answer to the code, all in one statement. Without a plan there is no session and no grant. The session is the record of a
/// sign-in; an audit event beside it would say the same.
///
/// No row: nothing was written. Nobody is known under (AppID, openid) with this unionid, the ticket was spent meanwhile, or
/// the user is kept out; `FindKeptOut` says which. Nearly all logins are spared that question, and every node of this plan costs
/// each of them.
struct SignInPerson: TenantStatement {
  // CURRENT_TIMESTAMP rather than now(): for each function in a plan its permission is looked up at every start.
  static let sql: SQL = """
    WITH ticket AS (
      SELECT t.id FROM federation_transactions t
      WHERE $1::uuid IS NOT NULL AND t.tenant_id = current_tenant() AND t.id = $1 AND t.used_at IS NULL
        AND t.expires_at > CURRENT_TIMESTAMP
      FOR UPDATE
    ), person AS (
      SELECT i.id, i.user_id FROM federated_identities i
      WHERE i.tenant_id = current_tenant() AND i.identity_application_id = $2 AND i.app_id = $3 AND i.openid = $4
        AND ($5::text IS NULL OR $6::boolean
          OR (i.unionid = $5 AND i.open_platform_account IS NOT DISTINCT FROM $7::text))
        AND ($1::uuid IS NULL OR EXISTS (SELECT FROM ticket))
    ), account AS (
      UPDATE users u SET last_login_at = CURRENT_TIMESTAMP, version = u.version + 1,
        username = coalesce($8::text, u.username, $9::text),
        name = coalesce($10::text, u.name, $11::text),
        picture = coalesce($12::text, u.picture, $13::text),
        attributes = ($15::jsonb || u.attributes) || $14::jsonb,
        updated_at = CASE
          WHEN (u.username, u.name, u.picture, u.attributes) IS DISTINCT FROM (coalesce($8::text, u.username, $9::text),
            coalesce($10::text, u.name, $11::text), coalesce($12::text, u.picture, $13::text),
            ($15::jsonb || u.attributes) || $14::jsonb)
          THEN CURRENT_TIMESTAMP ELSE u.updated_at END
      WHERE u.tenant_id = current_tenant() AND u.id = (SELECT user_id FROM person) AND u.status = 'active'
        AND (NOT $32::boolean OR second_factor($2, u.id) = 'none')
      RETURNING u.*
    ), seen AS (
      UPDATE federated_identities i SET session_key_sealed = coalesce($16::bytea, i.session_key_sealed),
        session_key_at = CASE WHEN $16::bytea IS NULL THEN i.session_key_at ELSE CURRENT_TIMESTAMP END,
        oauth_token_sealed = coalesce($29::bytea, i.oauth_token_sealed),
        oauth_token_at = CASE WHEN $29::bytea IS NULL THEN i.oauth_token_at ELSE CURRENT_TIMESTAMP END,
        profile = coalesce($30::jsonb, i.profile), last_login_at = CURRENT_TIMESTAMP, client_id = $17
      FROM account a
      WHERE i.tenant_id = current_tenant() AND i.id = (SELECT id FROM person)
    ), session AS (
      INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, client_id, amr, auth_time, last_seen_at,
        idle_expires_at, expires_at)
      SELECT current_tenant(), $18, $2, a.id, $17, $31, $28, CURRENT_TIMESTAMP,
        CURRENT_TIMESTAMP + make_interval(secs => $19), CURRENT_TIMESTAMP + make_interval(secs => $20) FROM account a
      WHERE $18::uuid IS NOT NULL
    ), granted AS (
      INSERT INTO grants (tenant_id, id, identity_application_id, user_id, client_id, session_id, scope, secret_hash,
        rotated_at, idle_expires_at, expires_at, amr, auth_time)
      SELECT current_tenant(), $21, $2, a.id, $17, $18, $22, $23, CURRENT_TIMESTAMP,
        CURRENT_TIMESTAMP + make_interval(secs => $24), CURRENT_TIMESTAMP + make_interval(secs => $25), $31, $28 FROM account a
      WHERE $18 IS NOT NULL
    ), spent AS (
      UPDATE federation_transactions t SET used_at = CURRENT_TIMESTAMP FROM account
      WHERE $1::uuid IS NOT NULL AND t.tenant_id = current_tenant() AND t.id = $1
    ), exchanged AS (
      UPDATE wechat_code_exchanges x SET state = 'done', seed_sealed = $27, user_id = a.id FROM account a
      WHERE $26::bytea IS NOT NULL AND x.tenant_id = current_tenant() AND x.client_id = $17 AND x.code_hash = $26
    )
    SELECT a.id, a.identity_application_id, a.username, a.name, a.picture, a.phone_number, a.phone_number_verified, a.email,
      a.email_verified, a.attributes, a.origin, true, a.last_login_at, a.version, a.created_at, a.updated_at
    FROM account a
    """

  let ticket: ID<FederationTransaction>?
  let client: FederationClient
  let person: Person
  /// True when the identity's unionid was settled in the same batch and need not match any more.
  let anyUnionid: Bool
  let patch: ProfilePatch
  let plan: PlannedSession?
  /// The code this answers, with the sealed seed of the answer.
  let exchange: (codeHash: [UInt8], seed: [UInt8])?
  /// How they proved who they are (RFC 8176).
  let amr: [String]

  /// Tokens are not given without the second factor; a browser's session asks for it elsewhere.
  var asksForSecondFactor: Bool { plan != nil && !amr.contains("mfa") && client.knowsSecondFactors }

  func bind(to binder: inout Binder) {
    let application = client.application
    binder.bind(ticket)
    binder.bind(application.id)
    binder.bind(person.appID)
    binder.bind(person.openid)
    binder.bind(person.unionid)
    binder.bind(anyUnionid)
    binder.bind(client.openPlatformAccount)
    binder.bind(patch.username.always)
    binder.bind(patch.username.ifEmpty)
    binder.bind(patch.name.always)
    binder.bind(patch.name.ifEmpty)
    binder.bind(patch.picture.always)
    binder.bind(patch.picture.ifEmpty)
    binder.bind(patch.attributesAlways)
    binder.bind(patch.attributesIfEmpty)
    binder.bind(person.sessionKeySealed)
    binder.bind(client.id)
    binder.bind(plan?.session)
    binder.bind(Double(application.sessionIdleTTL))
    binder.bind(Double(application.sessionTTL))
    binder.bind(plan?.refreshToken.grant)
    binder.bind(plan?.scope.text)
    binder.bind(plan?.refreshToken.hash)
    binder.bind(Double(application.refreshTokenIdleTTL))
    binder.bind(Double(application.refreshTokenTTL))
    binder.bind(exchange?.codeHash)
    binder.bind(exchange?.seed)
    // The tokens of this sign-in say the same moment; the database's own would differ from it by a second now and then.
    binder.bind(plan?.issuedAt)
    binder.bind(person.oauthTokenSealed)
    binder.bind(person.profile)
    binder.bind(ColumnArray(amr))
    binder.bind(asksForSecondFactor)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> User { try User(&row) }
}
