import Federation
import Query
import Secrets
import Tenancy

/// Deletes what WeChat gave and the person took back, in one statement with the end of the push: under a fence, so that of two
/// workers one applies it, and nothing is half-done.
///
/// A revoke deletes what it names. A cancelled account is unlinked and everything it is signed in with ends.
struct ApplyPush: TenantStatement {
  /// What is to go.
  struct Effect: Sendable, Equatable {
    /// Name and picture, the attributes that come from WeChat and the raw profile.
    var profile = false
    /// The phone number, where WeChat gave it.
    var phone = false
    /// Session key and OAuth tokens.
    var grants = false
    /// The identity itself, and every session of its user.
    var identity = false

    /// What an event deletes (WeChat: user privacy events, RevokeInfo).
    ///
    /// A website and a native app have one authorisation, so any number means all of it; the numbers name parts at a miniapp
    /// and at an official account only.
    init(_ kind: PushEvent.Kind, provider: String) {
      switch kind {
      case .profileModified: profile = true
      case .accountCancelled: (profile, phone, grants, identity) = (true, true, true, true)
      case .authorizationRevoked where provider == "wechat_web" || provider == "wechat_mobile":
        (profile, phone, grants) = (true, true, true)
      case .authorizationRevoked(let numbers):
        for number in numbers {
          switch number {
          case 6, 19, 20, 205: profile = true
          case 8: phone = true
          // What we never ask for: plates, addresses, invoices, devices, places, photos, files, mail.
          case 1...5, 7, 12...15, 16, 18, 201...204, 206, 207: break
          default: (profile, phone, grants) = (true, true, true)
          }
        }
        if numbers.isEmpty { (profile, phone, grants) = (true, true, true) }
      case .other: break
      }
    }
  }

  static let sql: SQL = """
    WITH held AS (
      DELETE FROM push_schedule WHERE tenant_id = current_tenant() AND push_id = $1 AND fence = $2 RETURNING push_id
    ), applied AS (
      UPDATE wechat_pushes SET event_sealed = NULL FROM held
      WHERE tenant_id = current_tenant() AND id = held.push_id
      RETURNING id
    ), forgotten AS (
      DELETE FROM wechat_pushes w USING held
      WHERE w.tenant_id = current_tenant() AND w.event_sealed IS NULL AND w.received_at < now() - interval '1 hour'
    ), person AS (
      SELECT i.id, i.user_id, i.openid, i.unionid, i.open_platform_account FROM federated_identities i, held
      WHERE i.tenant_id = current_tenant() AND i.identity_application_id = $3 AND i.app_id = $4 AND i.openid = $5
    ), stripped AS (
      UPDATE users u SET
        name = CASE WHEN $6 THEN NULL ELSE u.name END,
        picture = CASE WHEN $6 THEN NULL ELSE u.picture END,
        attributes = CASE WHEN $6 THEN u.attributes - $10::text[] ELSE u.attributes END,
        phone_number = CASE WHEN $7 AND u.phone_number_source = 'wechat' THEN NULL ELSE u.phone_number END,
        phone_number_verified = u.phone_number_verified AND NOT ($7 AND u.phone_number_source IS NOT DISTINCT FROM 'wechat'),
        phone_number_source = CASE WHEN $7 THEN NULL ELSE u.phone_number_source END,
        username = CASE WHEN $9 AND u.username IN (p.openid, p.unionid) THEN NULL ELSE u.username END,
        version = u.version + 1, updated_at = now()
      FROM person p WHERE u.tenant_id = current_tenant() AND u.id = p.user_id AND ($6 OR $7 OR $9)
      RETURNING u.id
    ), cleared AS (
      UPDATE federated_identities i SET
        profile = CASE WHEN $6 THEN NULL ELSE i.profile END,
        session_key_sealed = CASE WHEN $8 THEN NULL ELSE i.session_key_sealed END,
        oauth_token_sealed = CASE WHEN $8 THEN NULL ELSE i.oauth_token_sealed END,
        updated_at = now()
      FROM person p WHERE i.tenant_id = current_tenant() AND i.id = p.id AND NOT $9
    ), unlinked AS (
      DELETE FROM federated_identities i USING person p
      WHERE i.tenant_id = current_tenant() AND i.id = p.id AND $9
      RETURNING i.id, i.user_id
    ), parted AS (
      DELETE FROM unified_identities x USING person p
      WHERE x.tenant_id = current_tenant() AND x.identity_application_id = $3 AND $9 AND x.user_id = p.user_id
        AND x.open_platform_account = p.open_platform_account AND x.unionid = p.unionid
        AND NOT EXISTS (SELECT FROM federated_identities o
          WHERE o.tenant_id = current_tenant() AND o.user_id = p.user_id AND o.id <> p.id AND o.unionid = p.unionid)
    ), ended AS (
      UPDATE sessions s SET ended_at = now() FROM unlinked p
      WHERE s.tenant_id = current_tenant() AND s.user_id = p.user_id AND s.ended_at IS NULL
    ), revoked AS (
      UPDATE grants g SET revoked_at = now() FROM unlinked p
      WHERE g.tenant_id = current_tenant() AND g.user_id = p.user_id AND g.revoked_at IS NULL
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, target_type, target_id, details)
      SELECT current_tenant(), $11::uuid, $12, 'wechat', 'push', 'identity', p.id::text,
        jsonb_build_object('user', p.user_id, 'revoked', to_jsonb($13::text[]))
      FROM person p
      UNION ALL
      SELECT current_tenant(), $14::uuid, 'identity.unlinked', 'wechat', 'push', 'identity', u.id::text,
        jsonb_build_object('user', u.user_id)
      FROM unlinked u
    )
    SELECT (SELECT count(*) FROM person)::bigint FROM held
    """
  let push: ID<WeChatPush>
  let fence: Int
  let found: FindPush.Output
  let kind: PushEvent.Kind
  let openid: String?

  func bind(to binder: inout Binder) {
    let effect = Effect(kind, provider: found.provider)
    binder.bind(push)
    binder.bind(fence)
    binder.bind(found.application)
    binder.bind(found.appID)
    binder.bind(openid)
    binder.bind(effect.profile)
    binder.bind(effect.phone)
    binder.bind(effect.grants)
    binder.bind(effect.identity)
    binder.bind(ColumnArray(attributes))
    binder.bind(UUIDv7.make())
    binder.bind(action)
    binder.bind(ColumnArray(revoked))
    binder.bind(UUIDv7.make())
  }

  /// True when the person is known here.
  static func decode(_ row: inout Row) throws(DecodingFault) -> Bool {
    let count: Int = try row.next()
    return count > 0
  }

  /// Attributes that the property map fills.
  private var attributes: [String] {
    found.propertyMap.rules.compactMap { rule in
      rule.target.hasPrefix("attributes.") ? String(rule.target.dropFirst("attributes.".count)) : nil
    }
  }

  private var action: String {
    switch kind {
    case .profileModified: "wechat.user_info_modified"
    case .authorizationRevoked: "wechat.user_authorization_revoke"
    case .accountCancelled: "wechat.user_authorization_cancellation"
    case .other: "wechat.push"
    }
  }

  private var revoked: [String] {
    if case .authorizationRevoked(let numbers) = kind { numbers.map(String.init) } else { [] }
  }
}
