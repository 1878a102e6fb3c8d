import FoundationEssentials
import Query
import Tenancy

/// A third-party authz client as its tenant manages it; its secrets are not in here.
public struct AuthzClientDetails: Sendable {
  /// The client.
  public let id: ID<ThirdPartyAuthzClient>
  /// The directory it belongs to.
  public let applicationID: ID<IdentityApplication>
  /// The directory's name in addresses.
  public let applicationSlug: String
  /// For people.
  public let name: String
  /// `wechat_miniapp`, `wechat_web`, `wechat_mobile` or `wechat_official_account`.
  public let provider: String
  /// WeChat's AppID.
  public let appID: String
  /// The label inside which unionids mean something.
  public let openPlatformAccount: String?
  /// The scope of its tokens.
  public let scopes: [String]
  /// From WeChat's profile to the user's, as JSON.
  public let propertyMap: JSONText
  /// False for a client that takes no logins.
  public let isEnabled: Bool
  /// `unverified`, `ok` or `failing`.
  public let credentialStatus: String
  /// WeChat's errcode, what it means, what to do.
  public let credentialError: JSONText?
  /// True when a push token is set.
  public let hasPushToken: Bool
  /// True when a key for encrypted pushes is set.
  public let hasPushKey: Bool
  /// Counts the changes of the row.
  public let version: Int
  /// When it was made.
  public let createdAt: Date
  /// When it changed last.
  public let updatedAt: Date

  /// Reads the columns `id, identity_application_id, slug of the application, name, provider, app_id, open_platform_account,
  /// scopes, property_map, enabled, credential_status, credential_error, push token is set, push key is set, version,
  /// created_at, updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    applicationID = try row.next()
    applicationSlug = try row.next()
    name = try row.next()
    provider = try row.next()
    appID = try row.next()
    openPlatformAccount = try row.next()
    scopes = try row.next(ColumnArray<String>.self).elements
    propertyMap = try row.next()
    isEnabled = try row.next()
    credentialStatus = try row.next()
    credentialError = try row.next()
    hasPushToken = try row.next()
    hasPushKey = try row.next()
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}

/// Which WeChat app a client is.
public enum AuthzProvider: String, Sendable, CaseIterable {
  /// A miniapp (小程序).
  case miniapp = "wechat_miniapp"
  /// A website that shows WeChat's QR code.
  case web = "wechat_web"
  /// A native app.
  case mobile = "wechat_mobile"
  /// An official account (公众号).
  case officialAccount = "wechat_official_account"
}
