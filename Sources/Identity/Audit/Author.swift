import Query
import Secrets
import Tenancy

/// Who changes something, for the audit event that stands in the same statement as the change.
public struct Author: Sendable {
  /// `api_key`, `user`, `worker`, `operator` or `wechat`.
  let kind: String
  /// The id of the key or user, else a name.
  let id: String
  /// The request.
  let requestID: String

  /// An API key of the tenant.
  public static func key(_ key: AuthenticatedKey, requestID: String) -> Author {
    Author(kind: "api_key", id: key.id.description, requestID: requestID)
  }

  /// A user acting for themselves; `nil` for somebody who is no user, of whom nothing is written.
  static func user(_ user: ID<User>?, requestID: String) -> Author {
    Author(kind: "user", id: user?.description ?? "-", requestID: requestID)
  }

  /// The operator of the service.
  public static func serviceOperator(requestID: String) -> Author {
    Author(kind: "operator", id: "operator", requestID: requestID)
  }
}

extension Binder {
  /// Binds the event's new id, the actor's type and id, and the request's id: always `$1` to `$4` of a change.
  mutating func bind(_ author: Author) {
    bind(UUIDv7.make())
    bind(author.kind)
    bind(author.id)
    bind(author.requestID)
  }
}
