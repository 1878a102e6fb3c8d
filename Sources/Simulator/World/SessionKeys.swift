/// The one valid session key of a person in a miniapp.
struct SessionKey {
  struct Owner: Hashable {
    let person: String
    let appID: String
  }

  let text: String
  let issuedAt: Double
  /// When the person's key was reset in the last minute.
  var resets: [Double] = []
}

extension World.State {
  /// Seconds within which several logins get the same key.
  static let sessionKeyRest: Double = 60

  /// Resets of one person's key that WeChat lets through in a minute; how many they are WeChat does not say.
  static let resetsPerMinute = 5

  /// Replaces a key at the app's wish; the new one is as old as the one before.
  mutating func resetSessionKey(_ owner: SessionKey.Owner) throws(WeChatError) -> String {
    let old = sessionKeys[owner]
    let recent = (old?.resets ?? []).filter { clock.now - $0 < 60 }
    guard recent.count < Self.resetsPerMinute else { throw WeChatError(45011) }
    let key = SessionKey(
      text: Self.newSessionKey(), issuedAt: old?.issuedAt ?? clock.now, resets: recent + [clock.now])
    sessionKeys[owner] = key
    return key.text
  }

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
