import Query
import Tenancy

/// A WeChat app of the tenant, bound to one identity application that trusts WeChat's authentication done for it.
public enum ThirdPartyAuthzClient {}

/// What a login needs to know of its third-party authz client, with its application.
public struct FederationClient: Sendable {
  /// The client, which is also the OAuth client of its tokens.
  public let id: ID<ThirdPartyAuthzClient>
  /// `wechat_miniapp`, `wechat_web`, `wechat_mobile` or `wechat_official_account`.
  public let provider: String
  /// WeChat's AppID.
  public let appID: String
  let appSecretSealed: [UInt8]
  /// The label inside which unionids mean something; `nil` joins nobody.
  public let openPlatformAccount: String?
  /// The scope of its tokens.
  public let scopes: [String]
  /// From WeChat's profile to the user's.
  public let propertyMap: PropertyMap
  /// True where the directory knew second factors when the request read this; which person owes one is asked where they sign in.
  /// Who was on the way when it began to know them goes on without, as whoever came a moment before.
  let knowsSecondFactors: Bool
  /// The directory.
  public let application: ApplicationSettings

  /// Reads the columns `c.id, c.provider, c.app_id, c.app_secret_sealed, c.open_platform_account, c.scopes, c.property_map,
  /// a.mfa <> 'off'` and those of `ApplicationSettings`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    provider = try row.next()
    appID = try row.next()
    appSecretSealed = try row.next()
    openPlatformAccount = try row.next()
    scopes = try row.next(ColumnArray<String>.self).elements
    propertyMap = PropertyMap.of(stored: try row.next())
    knowsSecondFactors = try row.next()
    application = try ApplicationSettings(&row)
  }
}
