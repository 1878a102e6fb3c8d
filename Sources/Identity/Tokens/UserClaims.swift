import FoundationEssentials
import JSON
import OAuth

/// The claims of a user by scope (OpenID Connect Core section 5.4).
enum UserClaims {
  /// Attributes that are claims of `profile` when they carry a standard name (OpenID Connect Core section 5.1).
  private static let profileAttributes: Set<String> = [
    "given_name", "family_name", "middle_name", "nickname", "profile", "website", "gender", "birthdate", "zoneinfo",
    "locale",
  ]

  /// Writes the members that `scope` asks for; what the user has not is left out.
  static func write(_ user: User, scope: Scope, to json: inout JSONWriter) {
    if scope.contains("profile") {
      if let name = user.name { json.member("name", name) }
      if let username = user.username { json.member("preferred_username", username) }
      if let picture = user.picture { json.member("picture", picture) }
      json.member("updated_at", Int(user.updatedAt.timeIntervalSince1970))
    }
    if scope.contains("email"), let email = user.email {
      json.member("email", email)
      json.member("email_verified", user.emailVerified)
    }
    if scope.contains("phone"), let number = user.phoneNumber {
      json.member("phone_number", number)
      json.member("phone_number_verified", user.phoneNumberVerified)
    }
    guard user.attributes.utf8.count > 2, scope.contains("profile") || scope.contains("address"),
      let attributes = (try? JSONValue(parsing: user.attributes.utf8))?.object
    else { return }
    for (name, value) in attributes.members {
      let isProfile = scope.contains("profile") && profileAttributes.contains(name) && value.string != nil
      let isAddress = scope.contains("address") && name == "address" && value.object != nil
      guard isProfile || isAddress else { continue }
      json.key(name)
      value.write(to: &json)
    }
  }
}

extension AccessTokenClaims {
  /// Writes the claims of userinfo that the token's scope reaches (OpenID Connect Core section 5.3.2).
  public func writeUserInfo(_ user: User, to json: inout JSONWriter) {
    json.member("sub", user.id.description)
    UserClaims.write(user, scope: scope, to: &json)
  }
}
