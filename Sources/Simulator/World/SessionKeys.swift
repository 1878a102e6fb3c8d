/// The one valid session key of a person in a miniapp.
struct SessionKey {
  struct Owner: Hashable {
    let person: String
    let appID: String
  }

  let text: String
  let issuedAt: Double
}

extension World.State {
  /// Seconds within which several logins get the same key.
  static let sessionKeyRest: Double = 60

  /// A new login code may replace the key; several close together get the same one.
  mutating func rotateSessionKey(_ person: String, _ appID: String) {
    let owner = SessionKey.Owner(person: person, appID: appID)
    if let key = sessionKeys[owner], clock.now - key.issuedAt < Self.sessionKeyRest { return }
    sessionKeys[owner] = SessionKey(text: Self.newSessionKey(), issuedAt: clock.now)
  }

  static func newSessionKey() -> String {
    var generator = SystemRandomNumberGenerator()
    let words = [generator.next(), generator.next()]
    return words.withUnsafeBytes { Base64.encode(Array($0)) }
  }
}
