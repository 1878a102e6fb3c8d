import JSON
import OAuth
import Query

/// What the `claims` parameter asks for (OpenID Connect Core section 5.5), as far as the client's scopes reach.
struct ClaimsRequest: Sendable {
  /// Claims of a user by the place they are given in; `nil` when none are asked for.
  let claims: RequestedClaims?
  /// The `sub` that must be signed in.
  let subject: String?
  /// The values of which `acr` must be one; empty for any.
  let classes: Set<String>

  /// What a request without the parameter asks for.
  static let none = ClaimsRequest()

  private init() { (claims, subject, classes) = (nil, nil, []) }

  /// Reads the parameter; claims beyond `scopes`, which the client is registered for, are left out like unknown ones.
  /// - Throws: `invalid_request` for what is no such object.
  init(_ text: String?, within scopes: [String]) throws(OAuthError) {
    guard let text else {
      self = .none
      return
    }
    guard let object = (try? JSONValue(parsing: Array(text.utf8), depth: 6))?.object else { throw Self.malformed }
    let userInfo = try Self.members(object["userinfo"])
    let idToken = try Self.members(object["id_token"])
    func reached(_ members: JSONObject) -> [String] {
      members.members.map(\.name).filter { name in UserClaims.scope(of: name).map(scopes.contains) ?? false }
    }
    claims = RequestedClaims(userInfo: reached(userInfo), idToken: reached(idToken))
    subject = idToken["sub"]?.object?["value"]?.string ?? userInfo["sub"]?.object?["value"]?.string
    let wanted = idToken["acr"]?.object
    let values = (wanted?["values"]?.array ?? []) + [wanted?["value"]].compactMap { $0 }
    classes = wanted?["essential"]?.boolean == true ? Set(values.compactMap(\.string)) : []
  }

  /// The scopes that stand for the claims: what the person is asked to agree to.
  var scopes: [String] {
    ((claims?.userInfo ?? []) + (claims?.idToken ?? [])).compactMap(UserClaims.scope)
  }

  /// True when a sign-in by these methods is of a class that is asked for.
  func admits(_ amr: [String]) -> Bool { classes.isEmpty || classes.contains(AuthenticationContext.acr(of: amr)) }

  /// One of the two members: each claim is `null` or says how it is wanted (section 5.5.1).
  private static func members(_ value: JSONValue?) throws(OAuthError) -> JSONObject {
    guard let value, value != .null else { return JSONObject() }
    guard let object = value.object,
      object.members.allSatisfy({ $0.value == .null || $0.value.object != nil })
    else { throw malformed }
    return object
  }

  private static let malformed = OAuthError(
    .invalidRequest, "claims must be a JSON object with userinfo and id_token, each an object of claims")
}

/// Claims of a user that were asked for one by one, kept with code and grant.
struct RequestedClaims: Sendable {
  /// Given at userinfo.
  let userInfo: [String]
  /// Given in the ID token.
  let idToken: [String]

  /// Claims by place; `nil` when there are none.
  init?(userInfo: [String], idToken: [String]) {
    guard !userInfo.isEmpty || !idToken.isEmpty else { return nil }
    self.userInfo = userInfo
    self.idToken = idToken
  }

  /// Reads what was stored.
  init?(_ stored: JSONText?) {
    guard let object = stored.flatMap({ try? JSONValue(parsing: $0.utf8) })?.object else { return nil }
    self.init(userInfo: Self.names(object["userinfo"]), idToken: Self.names(object["id_token"]))
  }

  /// What is stored.
  var stored: JSONText {
    JSONText(
      utf8: JSONWriter.object { json in
        json.member("userinfo", userInfo)
        json.member("id_token", idToken)
      })
  }

  /// The names in an array.
  static func names(_ value: JSONValue?) -> [String] { value?.array?.compactMap(\.string) ?? [] }
}
