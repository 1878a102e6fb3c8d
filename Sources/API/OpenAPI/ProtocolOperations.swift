import HTTPTypes
import JSON

/// The operations whose form a standard or WeChat decides, as the API document describes them.
enum ProtocolOperations {
  private static let json = "application/json"
  static let form = "application/x-www-form-urlencoded"
  private static let tenant = "/t/{tenant}"
  static let issuer = "/t/{tenant}/i/{application}"

  /// All of them.
  static var all: [DocumentedOperation] { operations + federation + pushes + oauth + authorization + device }

  private static var operations: [DocumentedOperation] {
    let status = (type: json, schema: Schema.object([("status", Schema.text)]))
    return [
      DocumentedOperation(
        method: .get, path: "/livez", name: "livez", summary: "200 while the process runs.", caller: .anybody,
        answer: status),
      DocumentedOperation(
        method: .get, path: "/readyz", name: "readyz", summary: "200 while the database answers, else 503.",
        caller: .anybody, answer: status),
      DocumentedOperation(
        method: .get, path: "/assets/{name}", name: "page_asset",
        summary: "A file of the hosted pages; its name holds its hash.", caller: .anybody,
        answer: ("text/css", Schema.text)),
      DocumentedOperation(
        method: .get, path: "/openapi.json", name: "openapi", summary: "This document.", caller: .anybody,
        answer: (json, Schema.anyObject)),
    ]
  }

  private static var federation: [DocumentedOperation] {
    let path = "\(tenant)/federation/wechat/miniapp"
    let six = fields(["clientPrimaryId", "code"])
    return [
      DocumentedOperation(
        method: .post, path: "\(path)/profile", name: "miniapp_profile",
        summary: "Signs a known person in with a code of wx.login, or gives a ticket to register with.",
        caller: .anybody, bodies: [(json, FieldReader.schema(of: FederationRoutes.ProfileBody.init))],
        answer: (json, outcome)),
      DocumentedOperation(
        method: .post, path: "\(tenant)/federation/wechat/mobile/profile", name: "mobile_profile",
        summary: "Signs a known person in with the code of the WeChat SDK, or gives a ticket to register with.",
        caller: .anybody, bodies: [(json, FieldReader.schema(of: FederationRoutes.ProfileBody.init))],
        answer: (json, outcome)),
      DocumentedOperation(
        method: .post, path: "\(tenant)/federation/wechat/mobile/bindUser", name: "mobile_bind_user",
        summary: "Registers the person of a ticket or binds them to a user.", caller: .anybody,
        bodies: [(json, FieldReader.schema(of: FederationRoutes.BindBody.init))], answer: (json, outcome)),
    ]
      + ["miniapp", "mobile"].map { kind in
        DocumentedOperation(
          method: .post, path: "\(tenant)/federation/wechat/\(kind)/mfa", name: "\(kind)_mfa",
          summary: "Takes the second factor of the person of a ticket.", caller: .anybody,
          bodies: [(json, FieldReader.schema(of: FederationRoutes.SecondFactorBody.init))], answer: (json, outcome))
      } + [
        DocumentedOperation(
          method: .get, path: "\(path)/profile", name: "miniapp_profile_six",
          summary: "The same in the wire form of SiX IDaaS.", caller: .anybody, query: six,
          answer: (json, Schema.object([("data", Schema.anyObject)]))),
        DocumentedOperation(
          method: .post, path: "\(path)/bindUser", name: "miniapp_bind_user",
          summary: "Registers the person of a ticket or binds them to a user; as a form in the wire form of SiX IDaaS.",
          caller: .anybody,
          bodies: [
            (json, FieldReader.schema(of: FederationRoutes.BindBody.init)),
            (form, fields(["clientPrimaryId", "federateCode"], optional: ["code"])),
          ], answer: (json, outcome)),
      ]
  }

  private static var pushes: [DocumentedOperation] {
    let path = "\(tenant)/wechat/push/{client}"
    let signed = ["signature", "timestamp", "nonce"]
    return [
      DocumentedOperation(
        method: .get, path: path, name: "verify_push_url", summary: "WeChat's verification of the push URL.",
        caller: .anybody, query: fields(signed + ["echostr"]), answer: ("text/plain", Schema.text)),
      DocumentedOperation(
        method: .post, path: path, name: "receive_push", summary: "WeChat's message push, XML or JSON, safe mode.",
        caller: .anybody, query: fields(signed, optional: ["encrypt_type", "msg_signature", "openid"]),
        answer: ("text/plain", Schema.text)),
    ]
  }

  private static var oauth: [DocumentedOperation] {
    let grant = fields(
      ["grant_type"],
      optional: [
        "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "assertion", "device_code",
        "subject_token", "subject_token_type", "actor_token", "actor_token_type", "requested_token_type", "audience",
        "resource",
      ] + authentication)
    let token = fields(["token"], optional: ["token_type_hint"] + authentication)
    let metadata = "OpenID Provider metadata (OpenID Connect Discovery 1.0 section 3, RFC 8414)."
    let tokens = (type: json, schema: tokenResponse)
    return [
      DocumentedOperation(
        method: .get, path: "\(issuer)/.well-known/openid-configuration", name: "openid_configuration",
        summary: metadata, caller: .anybody, answer: (json, Schema.anyObject)),
      DocumentedOperation(
        method: .get, path: "/.well-known/oauth-authorization-server/t/{tenant}/i/{application}",
        name: "oauth_authorization_server", summary: metadata, caller: .anybody, answer: (json, Schema.anyObject)),
      DocumentedOperation(
        method: .get, path: "\(issuer)/jwks.json", name: "jwks", summary: "The public signing keys (RFC 7517).",
        caller: .anybody, answer: (json, Schema.object([("keys", Schema.array(of: Schema.anyObject))]))),
      DocumentedOperation(
        method: .post, path: "\(issuer)/token", name: "token", summary: "The token endpoint (RFC 6749 section 3.2).",
        caller: .client, bodies: [(form, grant)], answer: tokens),
      DocumentedOperation(
        method: .post, path: "\(tenant)/token", name: "tenant_token",
        summary: "The token endpoint of the wire form of SiX IDaaS.", caller: .anybody, bodies: [(form, grant)],
        answer: tokens),
      DocumentedOperation(
        method: .post, path: "\(tenant)/oauth2/token", name: "tenant_oauth2_token",
        summary: "The token endpoint of the wire form of SiX IDaaS.", caller: .anybody, bodies: [(form, grant)],
        answer: tokens),
      DocumentedOperation(
        method: .get, path: "\(issuer)/userinfo", name: "userinfo",
        summary: "The claims of the signed-in person (OpenID Connect Core section 5.3).", caller: .accessToken,
        answer: (json, Schema.anyObject)),
      DocumentedOperation(
        method: .post, path: "\(issuer)/userinfo", name: "userinfo_post",
        summary: "The claims of the signed-in person (OpenID Connect Core section 5.3).", caller: .accessToken,
        answer: (json, Schema.anyObject)),
      DocumentedOperation(
        method: .post, path: "\(issuer)/introspect", name: "introspect", summary: "Token introspection (RFC 7662).",
        caller: .client, bodies: [(form, token)], answer: (json, Schema.anyObject)),
      DocumentedOperation(
        method: .post, path: "\(issuer)/revoke", name: "revoke", summary: "Token revocation (RFC 7009).",
        caller: .client, bodies: [(form, token)]),
    ]
  }

  /// How a client may authenticate in a form.
  static let authentication = ["client_id", "client_secret", "client_assertion_type", "client_assertion"]

  private static let tokenResponse = Schema.object(
    [
      ("token_type", Schema.text), ("access_token", Schema.text), ("expires_in", Schema.integer),
      ("id_token", Schema.text), ("refresh_token", Schema.text), ("scope", Schema.text),
      ("issued_token_type", Schema.text),
    ], optional: ["id_token", "refresh_token", "scope", "issued_token_type"])

  private static let outcome = Schema.object(
    [
      ("outcome", Schema.words(["authenticated", "registration_required", "mfa_required"])),
      ("bind_ticket", Schema.text), ("mfa_ticket", Schema.text),
      ("token_type", Schema.text), ("access_token", Schema.text), ("expires_in", Schema.integer),
      ("id_token", Schema.text), ("refresh_token", Schema.text), ("scope", Schema.text), ("created", Schema.boolean),
      ("user", Schema.anyObject),
    ],
    optional: [
      "bind_ticket", "mfa_ticket", "token_type", "access_token", "id_token", "refresh_token", "scope", "created",
      "user",
    ])

  /// Fields of a form or query, all strings.
  static func fields(_ required: [String], optional: [String] = []) -> JSONObject {
    Schema.object((required + optional).map { ($0, Schema.text) }, optional: Set(optional))
  }
}
