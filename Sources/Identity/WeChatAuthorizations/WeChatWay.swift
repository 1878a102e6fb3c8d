import Query
import Tenancy

/// A WeChat app by which people can sign in to an application with a browser.
public struct WeChatWay: Sendable {
  /// The third-party authz client.
  public let client: ID<ThirdPartyAuthzClient>
  /// For people, where there are several.
  public let name: String
  /// True for an official account, which works only inside WeChat; else a website with a QR code.
  public let isInsideWeChat: Bool
}

/// The ways of an application, the oldest first.
struct ListWeChatWays: TenantStatement {
  static let sql: SQL = """
    SELECT id, name, provider = 'wechat_official_account' FROM third_party_authz_clients
    WHERE tenant_id = current_tenant() AND identity_application_id = $1 AND enabled
      AND provider IN ('wechat_web', 'wechat_official_account')
    ORDER BY id LIMIT 20
    """
  let application: ID<IdentityApplication>

  func bind(to binder: inout Binder) { binder.bind(application) }

  static func decode(_ row: inout Row) throws(DecodingFault) -> WeChatWay {
    WeChatWay(client: try row.next(), name: try row.next(), isInsideWeChat: try row.next())
  }
}
