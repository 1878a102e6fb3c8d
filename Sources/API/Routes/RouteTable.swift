import HTTPTypes

/// Every route of the API: what 405 knows of a path's methods.
enum RouteTable {
  /// Methods and templates.
  static let all: [(method: HTTPRequest.Method, template: String)] = [
    (.get, "/livez"), (.get, "/readyz"),
    (.get, "/t/{tenant}/federation/wechat/miniapp/profile"), (.post, "/t/{tenant}/federation/wechat/miniapp/profile"),
    (.post, "/t/{tenant}/federation/wechat/miniapp/bindUser"),
    (.post, "/t/{tenant}/oauth2/token"), (.post, "/t/{tenant}/token"),
    (.get, "/.well-known/oauth-authorization-server/t/{tenant}/i/{application}"),
    (.get, "/t/{tenant}/i/{application}/.well-known/openid-configuration"),
    (.get, "/t/{tenant}/i/{application}/jwks.json"), (.post, "/t/{tenant}/i/{application}/token"),
    (.get, "/t/{tenant}/i/{application}/userinfo"), (.post, "/t/{tenant}/i/{application}/userinfo"),
    (.post, "/t/{tenant}/i/{application}/introspect"), (.post, "/t/{tenant}/i/{application}/revoke"),
  ]
}
