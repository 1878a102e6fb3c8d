/// A person with a WeChat account.
public struct Person: Sendable {
  /// The simulator's own name for them.
  public var id: String
  /// May be empty.
  public var nickname: String
  /// May be empty.
  public var avatarURL: String
  /// Without country code.
  public var phoneNumber: String
  /// Digits.
  public var countryCode: String
  /// True gives 40226 at login.
  public var isBlocked = false

  /// A person; what is not given is made up from the id.
  public init(id: String, nickname: String? = nil, phoneNumber: String? = nil, countryCode: String = "86") {
    self.id = id
    self.nickname = nickname ?? id
    avatarURL = "https://thirdwx.qlogo.cn/mmopen/vi_32/\(Names.derived("avatar", id, length: 20))/132"
    self.phoneNumber = phoneNumber ?? "138" + Names.digits("phone", id, length: 8)
    self.countryCode = countryCode
  }
}

extension World {
  /// What a person's new WeChat password does: the OAuth tokens of all apps die with 42007.
  public func changePassword(_ person: String) {
    state.withLock { state in
      for (key, token) in state.oauthTokens where token.person == person { state.oauthTokens[key]?.isDead = true }
    }
  }
}
