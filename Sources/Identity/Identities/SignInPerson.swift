import FoundationEssentials
import Query
import Secrets
import Tenancy

/// Signs a known person in: finds the identity, applies the profile, makes session and grant, spends the ticket, keeps the
/// answer to the code, all in one statement. Without a plan there is no session and no grant. The session is the record of a
/// sign-in; an audit event beside it would say the same.
///
/// No row: nobody is known under (AppID, openid) with this unionid, or the ticket was spent meanwhile. A row without session:
/// the user is disabled or owes a second factor, and nothing was written.
struct SignInPerson: TenantStatement {
  enum Admission: Sendable { case signedIn, disabled, owesCode, mustEnrol }

  struct Output: Sendable {
    let user: User
    let admission: Admission
  }

  static let sql: SQL = """
    WITH ticket AS (
      SELECT t.id FROM federation_transactions t
      WHERE $1::uuid IS NOT NULL AND t.tenant_id = current_tenant() AND t.id = $1 AND t.used_at IS NULL
        AND t.expires_at > now()
      FOR UPDATE
    ), person AS (
      SELECT i.id, i.user_id FROM federated_identities i
      WHERE i.tenant_id = current_tenant() AND i.identity_application_id = $2 AND i.app_id = $3 AND i.openid = $4
        AND ($5::text IS NULL OR $6::boolean
          OR (i.unionid = $5 AND i.open_platform_account IS NOT DISTINCT FROM $7::text))
        AND ($1::uuid IS NULL OR EXISTS (SELECT FROM ticket))
    ), account AS (
      UPDATE users u SET last_login_at = now(), version = u.version + 1,
        username = coalesce($8::text, u.username, $9::text),
        name = coalesce($10::text, u.name, $11::text),
        picture = coalesce($12::text, u.picture, $13::text),
        attributes = ($15::jsonb || u.attributes) || $14::jsonb,
        updated_at = CASE
          WHEN (u.username, u.name, u.picture, u.attributes) IS DISTINCT FROM (coalesce($8::text, u.username, $9::text),
            coalesce($10::text, u.name, $11::text), coalesce($12::text, u.picture, $13::text),
            ($15::jsonb || u.attributes) || $14::jsonb)
          THEN now() ELSE u.updated_at END
      WHERE u.tenant_id = current_tenant() AND u.id = (SELECT user_id FROM person) AND u.status = 'active'
        AND ($18::uuid IS NULL OR 'mfa' = ANY ($31::text[]) OR second_factor($2, u.id) = 'none')
      RETURNING u.*
    ), seen AS (
      UPDATE federated_identities i SET session_key_sealed = coalesce($16::bytea, i.session_key_sealed),
        session_key_at = CASE WHEN $16::bytea IS NULL THEN i.session_key_at ELSE now() END,
        oauth_token_sealed = coalesce($29::bytea, i.oauth_token_sealed),
        oauth_token_at = CASE WHEN $29::bytea IS NULL THEN i.oauth_token_at ELSE now() END,
        profile = coalesce($30::jsonb, i.profile), last_login_at = now(), client_id = $17
      FROM account a
      WHERE i.tenant_id = current_tenant() AND i.id = (SELECT id FROM person)
    ), session AS (
      INSERT INTO sessions (tenant_id, id, identity_application_id, user_id, client_id, amr, auth_time, last_seen_at,
        idle_expires_at, expires_at)
      SELECT current_tenant(), $18, $2, a.id, $17, $31, $28, now(),
        now() + make_interval(secs => $19), now() + make_interval(secs => $20) FROM account a
      WHERE $18::uuid IS NOT NULL
    ), granted AS (
      INSERT INTO grants (tenant_id, id, identity_application_id, user_id, client_id, session_id, scope, secret_hash,
        rotated_at, idle_expires_at, expires_at, amr, auth_time)
      SELECT current_tenant(), $21, $2, a.id, $17, $18, $22, $23, now(),
        now() + make_interval(secs => $24), now() + make_interval(secs => $25), $31, $28 FROM account a
      WHERE $18 IS NOT NULL
    ), spent AS (
      UPDATE federation_transactions t SET used_at = now() FROM account
      WHERE $1::uuid IS NOT NULL AND t.tenant_id = current_tenant() AND t.id = $1
    ), exchanged AS (
      UPDATE wechat_code_exchanges x SET state = 'done', seed_sealed = $27, user_id = a.id FROM account a
      WHERE $26::bytea IS NOT NULL AND x.tenant_id = current_tenant() AND x.client_id = $17 AND x.code_hash = $26
    )
    SELECT coalesce(a.id, u.id), u.identity_application_id, CASE WHEN a.id IS NULL THEN u.username ELSE a.username END,
      CASE WHEN a.id IS NULL THEN u.name ELSE a.name END, CASE WHEN a.id IS NULL THEN u.picture ELSE a.picture END,
      u.phone_number, u.phone_number_verified, u.email, u.email_verified, coalesce(a.attributes, u.attributes), u.origin,
      u.status = 'active', coalesce(a.last_login_at, u.last_login_at), coalesce(a.version, u.version), u.created_at,
      coalesce(a.updated_at, u.updated_at), CASE WHEN a.id IS NOT NULL THEN 'in'
        WHEN u.status = 'active' THEN second_factor($2, u.id) ELSE 'disabled' END
    FROM users u
    LEFT JOIN account a ON a.id = u.id
    WHERE u.tenant_id = current_tenant() AND u.id = (SELECT user_id FROM person)
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
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Output {
    let user = try User(&row)
    switch try row.next(String.self) {
    case "in": return Output(user: user, admission: .signedIn)
    case "code": return Output(user: user, admission: .owesCode)
    case "enroll": return Output(user: user, admission: .mustEnrol)
    default: return Output(user: user, admission: .disabled)
    }
  }
}
