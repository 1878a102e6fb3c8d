extension Phrases {
  /// What the standard scopes mean for a person (OpenID Connect Core section 5.4).
  static let scopes: [String: Phrase] = [
    "openid": Phrase("Know who you are", "识别您的身份"),
    "profile": Phrase("See your name and picture", "查看您的昵称和头像"),
    "email": Phrase("See your e-mail address", "查看您的邮箱地址"),
    "phone": Phrase("See your phone number", "查看您的手机号"),
    "address": Phrase("See your postal address", "查看您的通讯地址"),
    "offline_access": Phrase("Keep access while you are away", "在您离线时保持访问"),
  ]
}
