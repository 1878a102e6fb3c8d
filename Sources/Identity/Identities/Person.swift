/// A person as WeChat authenticated them for one client: the natural key of a federated identity and what came with it.
struct Person: Sendable {
  /// WeChat's AppID.
  let appID: String
  /// The person inside that AppID.
  let openid: String
  /// The person inside the Open Platform account, where WeChat gave it.
  let unionid: String?
  /// Sealed for (AppID, openid); `nil` where WeChat gave none.
  let sessionKeySealed: [UInt8]?
}
