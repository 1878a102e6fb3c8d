import FoundationEssentials
import Query
import Secrets
import Tenancy

/// A live sign-in of a user; its id is the `sid` of its tokens.
public struct Session: Sendable {
  /// The `sid`.
  public let id: ID<Session>
  /// The client the person signed in through; `nil` for a session of the hosted pages.
  public let clientID: UUID?
  /// How the person proved who they are (RFC 8176).
  public let amr: [String]
  /// When they did.
  public let authTime: Date
  /// The last refresh or sign-in.
  public let lastSeenAt: Date
  /// When it ends unless it is used.
  public let idleExpiresAt: Date
  /// When it ends in any case.
  public let expiresAt: Date

  /// When it began: the moment in its id.
  public var createdAt: Date { UUIDv7.moment(of: id.uuid) ?? authTime }
}

/// The live sessions of a user, as the tenant's administrators manage them.
public struct UserSessions: Sendable {
  private let database: TenantDatabase

  /// The sessions in `database`.
  public init(_ database: TenantDatabase) { self.database = database }

  /// Live sessions of a user, newest first.
  /// - Throws: `.notFound` when there is no such user.
  public func list(of user: ID<User>, _ slice: ListSlice) async throws(ManagementRefusal) -> [Session] {
    try await database.managing(of: user, ListSessions(slice: slice, user: user))
  }

  /// Ends a session: nothing that was issued in it works any more.
  /// - Throws: `.notFound` for one that is not there or ended before.
  public func end(_ session: ID<Session>, of user: ID<User>, author: Author) async throws(ManagementRefusal) {
    let ended = try await database.managing(EndSession(author: author, user: user, session: session))
    guard !ended.isEmpty else { throw .notFound }
  }
}

extension TenantDatabase {
  /// Rows that hang on a user.
  /// - Throws: `.notFound` when there is no such user.
  func managing<S: TenantStatement>(of user: ID<User>, _ statement: S) async throws(ManagementRefusal) -> [S.Output] {
    let found: [Void]
    let rows: [S.Output]
    do {
      (found, rows) = try await run(UserExists(user: user), statement, repeatable: true)
    } catch {
      throw ManagementRefusal(error)
    }
    guard !found.isEmpty else { throw .notFound }
    return rows
  }
}

/// A row when the user is there.
struct UserExists: TenantStatement {
  static let sql: SQL = "SELECT FROM users WHERE tenant_id = current_tenant() AND id = $1"
  let user: ID<User>

  func bind(to binder: inout Binder) { binder.bind(user) }
}

/// Live sessions of a user, newest first.
struct ListSessions: TenantStatement {
  static let sql: SQL = """
    SELECT id, client_id, amr, auth_time, last_seen_at, idle_expires_at, expires_at FROM sessions
    WHERE tenant_id = current_tenant() AND user_id = $3 AND ended_at IS NULL AND expires_at > now()
      AND idle_expires_at > now() AND ($1::uuid IS NULL OR id < $1)
    ORDER BY id DESC LIMIT $2
    """
  let slice: ListSlice
  let user: ID<User>

  func bind(to binder: inout Binder) {
    binder.bind(slice)
    binder.bind(user)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) -> Session {
    Session(
      id: try row.next(), clientID: try row.next(), amr: try row.next(ColumnArray<String>.self).elements,
      authTime: try row.next(), lastSeenAt: try row.next(), idleExpiresAt: try row.next(), expiresAt: try row.next())
  }
}

/// Ends a live session.
struct EndSession: TenantStatement {
  static let sql: SQL = """
    WITH ended AS (
      UPDATE sessions SET ended_at = now()
      WHERE tenant_id = current_tenant() AND id = $6 AND user_id = $5 AND ended_at IS NULL
      RETURNING id
    ), audited AS (
      INSERT INTO audit_events (tenant_id, id, action, actor_type, actor_id, request_id, target_type, target_id, details)
      SELECT current_tenant(), $1, 'session.ended', $2, $3, $4, 'session', id::text,
        jsonb_build_object('user', $5::uuid)
      FROM ended
    )
    SELECT FROM ended
    """
  let author: Author
  let user: ID<User>
  let session: ID<Session>

  func bind(to binder: inout Binder) {
    binder.bind(author)
    binder.bind(user)
    binder.bind(session)
  }
}
