import Tenancy

/// What a miniapp asks of `bindUser`.
public struct BindRequest: Sendable {
  /// What stands for the person: exactly one of a ticket and a fresh code.
  public enum Proof: Sendable {
    /// From `profile`.
    case ticket(String)
    /// From `wx.login`, when `profile` was not called before.
    case code(String)
  }

  /// The third-party authz client.
  public let client: ID<ThirdPartyAuthzClient>
  /// Ticket or code.
  public let proof: Proof
  /// From the getPhoneNumber button.
  public let phoneCode: String?
  /// Chosen by the person; not verified by anybody.
  public let nickname: String?
  /// Chosen by the person; not verified by anybody.
  public let avatarURL: String?
  /// The access token of an existing user who is to be this person.
  public let bindTo: String?

  /// A request.
  public init(
    client: ID<ThirdPartyAuthzClient>, proof: Proof, phoneCode: String? = nil, nickname: String? = nil,
    avatarURL: String? = nil, bindTo: String? = nil
  ) {
    self.client = client
    self.proof = proof
    self.phoneCode = phoneCode
    self.nickname = nickname
    self.avatarURL = avatarURL
    self.bindTo = bindTo
  }

  var profile: [String: String] {
    var fields: [String: String] = [:]
    fields["nickname"] = nickname
    fields["headimgurl"] = avatarURL
    return fields
  }
}
