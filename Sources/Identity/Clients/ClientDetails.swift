import FoundationEssentials
import Observability
import Query
import Tenancy

/// A third-party authz client as its tenant's administrator sees it; its secrets are not in here.
public struct ClientDetails: Sendable {
  /// What kind of WeChat app it is.
  public enum Provider: String, Sendable, CaseIterable {
    /// A miniapp.
    case miniapp = "wechat_miniapp"
    /// A website app.
    case web = "wechat_web"
    /// A native app.
    case mobile = "wechat_mobile"
    /// An official account.
    case officialAccount = "wechat_official_account"
  }

  /// The client.
  public let id: ID<ThirdPartyAuthzClient>
  /// The directory.
  public let applicationID: ID<IdentityApplication>
  /// The directory's name in its issuer.
  public let applicationSlug: String
  /// For people.
  public let name: String
  /// What kind of WeChat app it is.
  public let provider: String
  /// WeChat's AppID.
  public let appID: String
  /// The label inside which unionids join.
  public let openPlatformAccount: String?
  /// The scope of its tokens.
  public let scopes: [String]
  /// From WeChat's profile to the user's.
  public let propertyMap: PropertyMap
  /// False closes it.
  public let isEnabled: Bool
  /// `unverified`, `ok` or `failing`.
  public let credentialStatus: String
  /// WeChat's errcode, what it means and what to do.
  public let credentialError: JSONText?
  /// Counts the changes of the row.
  public let version: Int
  /// When it was made.
  public let createdAt: Date
  /// When it changed last.
  public let updatedAt: Date

  /// Reads the columns `c.id, c.identity_application_id, a.slug, c.name, c.provider, c.app_id, c.open_platform_account, c.scopes,
  /// c.property_map, c.enabled, c.credential_status, c.credential_error, c.version,
  /// c.created_at, c.updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    applicationID = try row.next()
    applicationSlug = try row.next()
    name = try row.next()
    provider = try row.next()
    appID = try row.next()
    openPlatformAccount = try row.next()
    scopes = try row.next(ColumnArray<String>.self).elements
    propertyMap = PropertyMap(stored: try row.next())
    isEnabled = try row.next()
    credentialStatus = try row.next()
    credentialError = try row.next()
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}

/// A third-party authz client to be made.
public struct NewThirdPartyAuthzClient: Sendable {
  /// The directory.
  public var application: ID<IdentityApplication>
  /// For people.
  public var name: String
  /// What kind of WeChat app it is.
  public var provider: ClientDetails.Provider
  /// WeChat's AppID.
  public var appID: String
  /// WeChat's AppSecret.
  public var appSecret: Secret<String>
  /// The label inside which unionids join.
  public var openPlatformAccount: String?
  /// The scope of its tokens.
  public var scopes: [String]
  /// From WeChat's profile to the user's.
  public var propertyMap: PropertyMap
  /// False closes it.
  public var isEnabled: Bool
  /// WeChat's Token of the message push.
  public var pushToken: Secret<String>?
  /// WeChat's EncodingAESKey of the message push.
  public var pushEncodingAESKey: Secret<String>?

  /// A client.
  public init(
    application: ID<IdentityApplication>, name: String, provider: ClientDetails.Provider, appID: String,
    appSecret: Secret<String>, openPlatformAccount: String?, scopes: [String], propertyMap: PropertyMap,
    isEnabled: Bool,
    pushToken: Secret<String>?, pushEncodingAESKey: Secret<String>?
  ) {
    self.application = application
    self.name = name
    self.provider = provider
    self.appID = appID
    self.appSecret = appSecret
    self.openPlatformAccount = openPlatformAccount
    self.scopes = scopes
    self.propertyMap = propertyMap
    self.isEnabled = isEnabled
    self.pushToken = pushToken
    self.pushEncodingAESKey = pushEncodingAESKey
  }
}

/// What a patch wants of a third-party authz client; `nil` leaves a value.
public struct ThirdPartyAuthzClientPatch: Sendable {
  /// For people.
  public var name: String?
  /// WeChat's AppID.
  public var appID: String?
  /// WeChat's AppSecret; asks WeChat at once where it was failing.
  public var appSecret: Secret<String>?
  /// The label inside which unionids join.
  public var openPlatformAccount = FieldChange<String>.keep
  /// The scope of its tokens.
  public var scopes: [String]?
  /// From WeChat's profile to the user's.
  public var propertyMap: PropertyMap?
  /// False closes it.
  public var isEnabled: Bool?
  /// WeChat's Token of the message push.
  public var pushToken = FieldChange<Secret<String>>.keep
  /// WeChat's EncodingAESKey of the message push.
  public var pushEncodingAESKey = FieldChange<Secret<String>>.keep

  /// A patch that changes nothing.
  public init() {}
}
