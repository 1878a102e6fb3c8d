import Observability
import Query

/// What is wanted of a user; what is `nil` or kept stays, or is empty in a new one.
public struct UserChange: Sendable {
  /// Where a user came from.
  public enum Origin: String, Sendable, CaseIterable {
    /// Made through the API or a console.
    case local
    /// Brought from another system.
    case `import`
  }

  /// Whether a user may sign in.
  public enum Status: String, Sendable, CaseIterable {
    /// They may.
    case active
    /// They may not, and nothing they have works any more.
    case disabled
  }

  /// Unique in the directory, whatever the case.
  public var username: FieldChange<String> = .keep
  /// For people to read.
  public var name: FieldChange<String> = .keep
  /// The URL of a picture.
  public var picture: FieldChange<String> = .keep
  /// E.164.
  public var phoneNumber: FieldChange<String> = .keep
  /// Whether the tenant verified the number; a new number is not verified unless this says so.
  public var phoneNumberVerified: Bool?
  /// The e-mail address.
  public var email: FieldChange<String> = .keep
  /// Whether the tenant verified the address; a new address is not verified unless this says so.
  public var emailVerified: Bool?
  /// A merge patch of the attributes.
  public var attributes: JSONText?
  /// Whether they may sign in.
  public var status: Status?
  /// A new password.
  public var password: FieldChange<Secret<String>> = .keep
  /// The names of the fields that change, for the audit event.
  public var names: [String] = []

  /// No change.
  public init() {}

  /// Binds `username, name, picture, phone_number, email` with whether each changes, the two `verified`, `attributes`,
  /// `status`, and the password's hash with whether it changes: 16 parameters.
  func bind(to binder: inout Binder, passwordHash: FieldChange<String>) {
    binder.bind(username)
    binder.bind(name)
    binder.bind(picture)
    binder.bind(phoneNumber)
    binder.bind(email)
    binder.bind(phoneNumberVerified)
    binder.bind(emailVerified)
    binder.bind(attributes)
    binder.bind(status?.rawValue)
    binder.bind(passwordHash)
  }
}
