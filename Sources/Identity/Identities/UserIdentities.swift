import FoundationEssentials
import Query
import Tenancy

/// What a user is known by at WeChat: one (AppID, openid).
public struct FederatedIdentity: Sendable {
  /// The identity.
  public let id: ID<FederatedIdentity>
  /// The client through which it was linked; `nil` once that client is deleted.
  public let clientID: UUID?
  /// The AppID the openid belongs to.
  public let appID: String
  /// Who the person is to this AppID.
  public let openid: String
  /// Who the person is to the Open Platform account, where WeChat said so.
  public let unionid: String?
  /// The label of that Open Platform account.
  public let openPlatformAccount: String?
  /// The last sign-in through it.
  public let lastLoginAt: Date?
  /// When it was linked.
  public let createdAt: Date
  /// When WeChat's word about it changed last.
  public let updatedAt: Date
}

/// The identities of a user, as the tenant's administrators manage them.
public struct UserIdentities: Sendable {
  private let database: TenantDatabase

  /// The identities in `database`.
  public init(_ database: TenantDatabase) { self.database = database }

  /// Identities of a user, newest first.
  /// - Throws: `.notFound` when there is no such user.
  public func list(of user: ID<User>, _ slice: ListSlice) async throws(ManagementRefusal) -> [FederatedIdentity] {
    try await database.managing(of: user, ListIdentities(slice: slice, user: user))
  }

  /// Takes an identity from a user: the person can no longer sign in through it.
  /// - Throws: `.conflict` `last_credential` when the user would have nothing left to sign in with; `.notFound`.
  public func unlink(
    _ identity: ID<FederatedIdentity>, of user: ID<User>, author: Author
  ) async throws(ManagementRefusal) {
    let outcome: [UnlinkIdentity.Outcome]
    do {
      // The lock first: of two that unlink the last two identities at once, the second sees what the first left.
      (_, outcome) = try await database.run(
        LockUser(user: user), UnlinkIdentity(author: author, user: user, identity: identity))
    } catch {
      throw ManagementRefusal(error)
    }
    switch try outcome.first.orNotFound() {
    case .missing: throw .notFound
    case .last:
      throw .conflict(
        code: "last_credential",
        detail: "This is the only way the user can sign in. Set a password or link another identity first.")
    case .done: return
    }
  }
}

/// Identities of a user, newest first.
struct ListIdentities: TenantStatement {
  static let sql: SQL = """
    SELECT id, client_id, app_id, openid, unionid, open_platform_account, last_login_at, created_at, updated_at
    FROM federated_identities
    WHERE tenant_id = current_tenant() AND user_id = $3 AND ($1::uuid IS NULL OR id < $1)
    ORDER BY id DESC LIMIT $2
    """
  let slice: ListSlice
  let user: ID<User>

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(user)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> FederatedIdentity {
    FederatedIdentity(
      id: try row.next(), clientID: try row.next(), appID: try row.next(), openid: try row.next(),
      unionid: try row.next(), openPlatformAccount: try row.next(), lastLoginAt: try row.next(),
      createdAt: try row.next(), updatedAt: try row.next())
  }
}

/// Holds a user's row to the end of the batch.
struct LockUser: TenantStatement {
  static let sql: SQL = "SELECT FROM users WHERE tenant_id = current_tenant() AND id = $1 FOR UPDATE"
  let user: ID<User>

  func bind(to binder: inout Binder) { binder.bind(user) }
}

/// Takes an identity from a user who has another one or a password; a unionid that no identity of theirs has any more
/// is nobody's then.
struct UnlinkIdentity: TenantStatement {
  enum Outcome: Sendable { case missing, last, done }

  static let sql: SQL = """
    WITH target AS (
      SELECT i.id, i.identity_application_id, i.open_platform_account, i.unionid
      FROM federated_identities i WHERE i.tenant_id = current_tenant() AND i.id = $6 AND i.user_id = $5
    ), deleted AS (
      DELETE FROM federated_identities i USING target t
      WHERE i.tenant_id = current_tenant() AND i.id = t.id
        AND (EXISTS (SELECT FROM federated_identities o
            WHERE o.tenant_id = current_tenant() AND o.user_id = $5 AND o.id <> t.id)
          OR EXISTS (SELECT FROM users u
            WHERE u.tenant_id = current_tenant() AND u.id = $5 AND u.password_hash IS NOT NULL))
      RETURNING i.id
    ), parted AS (
      DELETE FROM unified_identities x USING target t, deleted d
      WHERE x.tenant_id = current_tenant() AND x.identity_application_id = t.identity_application_id
        AND x.open_platform_account = t.open_platform_account AND x.unionid = t.unionid AND x.user_id = $5
        AND NOT EXISTS (SELECT FROM federated_identities o
          WHERE o.tenant_id = current_tenant() AND o.user_id = $5 AND o.id <> t.id AND o.unionid = t.unionid
            AND o.open_platform_account = t.open_platform_account)
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'identity.unlinked', $2, $3, $4, 'identity', id::text,
        jsonb_build_object('user', $5::uuid)
      FROM deleted
    )
    SELECT EXISTS (SELECT FROM target), EXISTS (SELECT FROM deleted)
    """
  let author: Author
  let user: ID<User>
  let identity: ID<FederatedIdentity>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(identity)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Outcome {
    let found: Bool = try row.next()
    let deleted: Bool = try row.next()
    return deleted ? .done : found ? .last : .missing
  }
}
