import Observability
import Query
import Secrets
import Tenancy

/// What is wanted of a third-party authz client; what is `nil` stays, or has its default in a new one.
public struct AuthzClientChange: Sendable {
  /// For people.
  public var name: String?
  /// WeChat's AppID.
  public var appID: String?
  /// WeChat's AppSecret.
  public var appSecret: Secret<String>?
  /// The label inside which unionids mean something.
  public var openPlatformAccount: FieldChange<String> = .keep
  /// The scope of its tokens.
  public var scopes: [String]?
  /// From WeChat's profile to the user's.
  public var propertyMap: PropertyMap?
  /// Whether it takes logins.
  public var isEnabled: Bool?
  /// The token that signs WeChat's pushes.
  public var pushToken: FieldChange<Secret<String>> = .keep
  /// The key that encrypts WeChat's pushes, 43 characters.
  public var pushEncodingAESKey: FieldChange<Secret<String>> = .keep

  /// No change.
  public init() {}
}

/// The same with its secrets sealed for one client.
struct SealedAuthzClientChange: Sendable {
  let change: AuthzClientChange
  let appSecret: [UInt8]?
  let pushToken: FieldChange<[UInt8]>
  let pushKey: FieldChange<[UInt8]>

  init(_ change: AuthzClientChange, client: ID<ThirdPartyAuthzClient>, tenant: ID<Tenant>, ring: KeyRing) {
    self.change = change
    appSecret = change.appSecret.map { ring.seal(Array($0.expose().utf8), for: .appSecret(tenant, client)) }
    pushToken = change.pushToken.map { ring.seal(Array($0.expose().utf8), for: .pushToken(tenant, client)) }
    pushKey = change.pushEncodingAESKey.map {
      ring.seal(Array($0.expose().utf8), for: .pushEncodingAESKey(tenant, client))
    }
  }

  /// Binds `name, app_id, app_secret, account changes, account, scopes, property_map, enabled, token changes, token, key
  /// changes, key`: 12 parameters.
  func bind(to binder: inout Binder) {
    binder.bind(change.name)
    binder.bind(change.appID)
    binder.bind(appSecret)
    binder.bind(change.openPlatformAccount)
    binder.bind(change.scopes.map { ColumnArray($0) })
    binder.bind(change.propertyMap?.stored)
    binder.bind(change.isEnabled)
    binder.bind(pushToken)
    binder.bind(pushKey)
  }
}

extension KeyRing.Place {
  /// Where the push token of a third-party authz client lies.
  static func pushToken(_ tenant: ID<Tenant>, _ client: ID<ThirdPartyAuthzClient>) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "third_party_authz_clients", column: "push_token_sealed", row: client.description)
  }

  /// Where the push encryption key of a third-party authz client lies.
  static func pushEncodingAESKey(_ tenant: ID<Tenant>, _ client: ID<ThirdPartyAuthzClient>) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "third_party_authz_clients", column: "push_encoding_aes_key_sealed",
      row: client.description)
  }
}
