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

  /// The scope that reaches a claim (OpenID Connect Core section 5.4); `nil` for what is no claim of a user.
  static func scope(of claim: String) -> String? {
    switch claim {
    case "name", "preferred_username", "picture", "updated_at": "profile"
    case "email", "email_verified": "email"
    case "phone_number", "phone_number_verified": "phone"
    case "address": "address"
    default: profileAttributes.contains(claim) ? "profile" : nil
    }
  }

  /// Writes the members that `scope` reaches and those in `names`; what the user has not is left out.
  static func write(_ user: User, scope: Scope, names: [String] = [], to json: inout JSONWriter) {
    let (profile, email, phone) = (scope.contains("profile"), scope.contains("email"), scope.contains("phone"))
    if let name = user.name, profile || names.contains("name") { json.member("name", name) }
    if let username = user.username, profile || names.contains("preferred_username") {
      json.member("preferred_username", username)
    }
    if let picture = user.picture, profile || names.contains("picture") { json.member("picture", picture) }
    if profile || names.contains("updated_at") {
      json.member("updated_at", Int(user.updatedAt.timeIntervalSince1970))
    }
    if let address = user.email {
      if email || names.contains("email") { json.member("email", address) }
      if email || names.contains("email_verified") { json.member("email_verified", user.emailVerified) }
    }
    if let number = user.phoneNumber {
      if phone || names.contains("phone_number") { json.member("phone_number", number) }
      if phone || names.contains("phone_number_verified") {
        json.member("phone_number_verified", user.phoneNumberVerified)
      }
    }
    guard user.attributes.utf8.count > 2, profile || scope.contains("address") || !names.isEmpty,
      let attributes = (try? JSONValue(parsing: user.attributes.utf8))?.object
    else { return }
    for (name, value) in attributes.members {
      let isProfile = profileAttributes.contains(name) && value.string != nil
      let isAddress = name == "address" && value.object != nil
      guard isProfile || isAddress, names.contains(name) || scope.contains(isAddress ? "address" : "profile") else {
        continue
      }
      json.key(name)
      value.write(to: &json)
    }
  }
}

extension AccessTokenClaims {
  /// Writes the claims of userinfo that the token's scope reaches (OpenID Connect Core section 5.3.2), and those in `names`, which
  /// were asked for one by one.
  public func writeUserInfo(_ user: User, _ names: [String], to json: inout JSONWriter) {
    json.member("sub", user.id.description)
    UserClaims.write(user, scope: scope, names: names, to: &json)
  }
}
