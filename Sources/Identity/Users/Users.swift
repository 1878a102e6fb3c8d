import Observability
import Query
import Tenancy

/// The users of a tenant, as its administrators manage them.
public struct Users: Sendable {
  private let database: TenantDatabase

  /// The users in `database`.
  public init(_ database: TenantDatabase) { self.database = database }

  /// Users of an application, newest first.
  /// - Throws: `.notFound` when there is no such application.
  public func list(
    of application: ID<IdentityApplication>, _ filter: UserFilter, _ slice: ListSlice
  ) async throws(ManagementRefusal) -> [User] {
    let exists = ApplicationExists(application: application)
    do {
      let (found, users) =
        if filter.namesUser {
          try await database.run(
            exists, FindUsers(slice: slice, application: application, filter: filter), repeatable: true)
        } else {
          try await database.run(
            exists, ListUsers(slice: slice, application: application, status: filter.status), repeatable: true)
        }
      guard !found.isEmpty else { throw ManagementRefusal.notFound }
      return users
    } catch let error as DatabaseError {
      throw ManagementRefusal(error)
    } catch {
      throw .notFound
    }
  }

  /// One user.
  /// - Throws: `ManagementRefusal`.
  public func find(_ user: ID<User>) async throws(ManagementRefusal) -> User {
    try await database.managing(FindUserByID(user: user), repeatable: true).first.orNotFound()
  }

  /// Creates a local user, or one who is expected.
  /// - Throws: `.conflict` `username_taken`, `phone_number_taken`, `email_taken`; `.notFound` without such an application.
  public func create(
    in application: ID<IdentityApplication>, origin: UserChange.Origin, _ fields: UserChange, author: Author
  ) async throws(ManagementRefusal) -> User {
    let hash = try await passwordHash(fields.password)
    let insert = InsertUser(
      author: author, user: .make(), application: application, origin: origin, fields: fields, passwordHash: hash)
    return try await database.managing(insert).first.orNotFound()
  }

  /// Changes a user.
  /// - Throws: as `create`, and `.stale`.
  public func update(
    _ user: ID<User>, _ change: UserChange, versions: [Int]?, author: Author
  ) async throws(ManagementRefusal) -> User {
    let hash = try await passwordHash(change.password)
    return try await database.writing(
      UpdateUser(author: author, user: user, versions: versions, change: change, passwordHash: hash))
  }

  /// Deletes a user; nothing they have works any more.
  /// - Throws: `.stale`, `.notFound`.
  public func delete(_ user: ID<User>, versions: [Int]?, author: Author) async throws(ManagementRefusal) {
    try await database.writing(DeleteUser(author: author, user: user, versions: versions))
  }

  private func passwordHash(
    _ password: FieldChange<Secret<String>>
  ) async throws(ManagementRefusal) -> FieldChange<String> {
    switch password {
    case .keep: .keep
    case .clear: .clear
    case .set(let password): .set(try await PasswordHash.make(password))
    }
  }
}
