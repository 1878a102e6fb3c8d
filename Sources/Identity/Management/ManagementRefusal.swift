import Federation
import FoundationEssentials
import Query
import Tenancy

/// Why a management use case refused.
public enum ManagementRefusal: Error, Sendable, Equatable {
  /// Not there or not yours.
  case notFound
  /// `If-Match` names none of the versions there are.
  case stale
  /// It clashes with what is there; the word and the sentence are for the caller.
  case conflict(code: String, detail: String)
  /// A field refers to something that is not there, or to something unfit.
  case invalid(field: String, detail: String)
  /// Fields do not fit together.
  case faulty([FieldRefusal])
  /// The key would hand out a scope it does not have itself.
  case scopeExceeded(String)
  /// The provider that had to be asked refused for a reason that is not the caller's, or could not be asked.
  case provider(ProviderFailure)
  /// A sealed value does not open, or the crypto library refused; names the place, never the value.
  case broken(String)
  /// The database failed.
  case database(DatabaseError)

  /// What a refused constraint means to the caller; every other database error stays one.
  init(_ error: DatabaseError) {
    switch error {
    case .unique("identity_applications_slug_key"), .unique("tenants_slug_key"):
      self = .conflict(code: "slug_taken", detail: "This slug is taken.")
    case .unique("tenant_domains_pkey"):
      self = .conflict(code: "domain_taken", detail: "One of the host names is taken.")
    case .unique("users_username_key"):
      self = .conflict(code: "username_taken", detail: "Another user of this identity application has this username.")
    case .unique("users_phone_number_key"):
      self = .conflict(
        code: "phone_number_taken", detail: "Another user of this identity application has this phone number.")
    case .unique("users_email_key"):
      self = .conflict(
        code: "email_taken", detail: "Another user of this identity application has this e-mail address.")
    case .foreignKey("users_application_fkey"): self = .notFound
    case .foreignKey("third_party_authz_clients_application_fkey"), .foreignKey("oauth_clients_application_fkey"):
      self = .invalid(field: "identity_application_id", detail: "there is no such identity application")
    default: self = .database(error)
    }
  }
}

/// What is wrong with one field.
public struct FieldRefusal: Sendable, Equatable {
  /// The field, or `field/index` of an element.
  public let field: String
  /// For the developer of the caller.
  public let detail: String

  /// A fault of a field.
  public init(_ field: String, _ detail: String) {
    self.field = field
    self.detail = detail
  }
}
