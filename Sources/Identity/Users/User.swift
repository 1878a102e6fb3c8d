import FoundationEssentials
import Query
import Tenancy

/// A person of one identity application; `id` is the `sub` of their tokens.
public struct User: Sendable {
  /// The `sub`.
  public let id: ID<User>
  /// The directory.
  public let applicationID: ID<IdentityApplication>
  /// Unique in the directory, whatever the case.
  public let username: String?
  /// For people to read.
  public let name: String?
  /// The URL of a picture.
  public let picture: String?
  /// E.164.
  public let phoneNumber: String?
  /// True when WeChat or the tenant verified the number.
  public let phoneNumberVerified: Bool
  /// As given.
  public let email: String?
  /// True when the tenant verified the address.
  public let emailVerified: Bool
  /// A JSON object.
  public let attributes: JSONText
  /// `shadow`, `local` or `import`.
  public let origin: String
  /// False for a disabled user.
  public let isActive: Bool
  /// The last sign-in.
  public let lastLoginAt: Date?
  /// Counts the changes of the row.
  public let version: Int
  /// When the row was made.
  public let createdAt: Date
  /// When the profile changed last.
  public let updatedAt: Date

  /// Reads the columns `id, identity_application_id, username, name, picture, phone_number, phone_number_verified, email,
  /// email_verified, attributes, origin, status = 'active', last_login_at, version, created_at, updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    applicationID = try row.next()
    username = try row.next()
    name = try row.next()
    picture = try row.next()
    phoneNumber = try row.next()
    phoneNumberVerified = try row.next()
    email = try row.next()
    emailVerified = try row.next()
    attributes = try row.next()
    origin = try row.next()
    isActive = try row.next()
    lastLoginAt = try row.next()
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}
