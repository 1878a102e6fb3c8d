import HTTPTypes
import Hummingbird
import Identity
import JSON
import NIOCore
import OAuth
import Tenancy

/// `profile` and `bindUser` of miniapps and native apps; for miniapps in Qiao's own form and in SiX's, told apart by method and
/// media type (contract section 8).
struct FederationRoutes: Sendable {
  let federation: WeChatFederation
  /// Of each client.
  let limit: RateLimiter?

  func add(to group: RouterGroup<TenantContext>) {
    let miniapp = group.group("federation/wechat/miniapp")
    miniapp.post("profile") { try await profile($0, $1, of: .miniapp) }
    miniapp.get("profile", use: sixProfile)
    miniapp.post("bindUser") { request, context in
      if request.mediaType == "application/x-www-form-urlencoded" { return try await sixBindUser(request, context) }
      return try await bindUser(request, context, of: .miniapp)
    }
    miniapp.post("mfa", use: secondFactor)
    let mobile = group.group("federation/wechat/mobile")
    mobile.post("mfa", use: secondFactor)
    mobile.post("profile") { try await profile($0, $1, of: .mobile) }
    mobile.post("bindUser") { try await bindUser($0, $1, of: .mobile) }
  }

  /// The body of `profile`.
  struct ProfileBody: Sendable {
    let client: String
    let code: String

    init(_ fields: inout FieldReader) {
      client = fields.required("client_id", .text(1...100))
      code = fields.required("code", .text(1...512))
    }
  }

  private func profile(
    _ request: Request, _ context: TenantContext, of kind: WeChatFederation.Kind
  ) async throws -> Response {
    let asked = try await JSONBody.read(request, ProfileBody.init)
    let outcome = try await federation.profile(
      asked.code, of: kind, client: try client(asked.client, context), in: context.database,
      requestID: context.requestID)
    return Self.answer(outcome, created: .ok)
  }

  /// The body of `mfa`.
  struct SecondFactorBody: Sendable {
    let client: String
    let ticket: String
    let code: String

    init(_ fields: inout FieldReader) {
      client = fields.required("client_id", .text(1...100))
      ticket = fields.required("mfa_ticket", .text(1...512))
      code = fields.required("code", .text(1...64))
    }
  }

  @Sendable private func secondFactor(_ request: Request, _ context: TenantContext) async throws -> Response {
    let asked = try await JSONBody.read(request, SecondFactorBody.init)
    let signedIn = try await federation.secondFactor(
      asked.code, ticket: asked.ticket, client: try client(asked.client, context), in: context.database,
      requestID: context.requestID)
    return Self.answer(signedIn, status: .ok)
  }

  /// The body of `bindUser`.
  struct BindBody: Sendable {
    private struct Profile: Sendable {
      var nickname: String?
      var avatarURL: String?
    }

    /// What WeChat's avatar chooser gives is uploaded by the app first; a path on the phone is worth nothing to anybody else.
    private static let picture = FieldType<String>.text(0...2048).constrained("must be an http or https URL") { text in
      text.isEmpty || WebAddress(text).map { ["http", "https"].contains($0.scheme) } == true
    }

    let client: String
    let proof: BindRequest.Proof
    let phoneCode: String?
    let nickname: String?
    let avatarURL: String?
    let bindTo: String?

    init(_ fields: inout FieldReader) {
      client = fields.required("client_id", .text(1...100))
      let ticket = fields.optional("bind_ticket", .text(1...512))
      let code = fields.optional("code", .text(1...512))
      phoneCode = fields.optional("phone_code", .text(1...512))
      let profile = fields.optional(
        "profile",
        FieldType<JSONObject>.fields(placeholder: Profile()) { fields in
          Profile(
            nickname: fields.optional("nickname", .text(0...500)),
            avatarURL: fields.optional("avatar_url", Self.picture))
        })
      nickname = profile?.nickname
      avatarURL = profile?.avatarURL
      bindTo = fields.optional(
        "bind_to", FieldType<JSONObject>.fields(placeholder: "") { $0.required("access_token", .text(1...8192)) })
      switch (ticket, code) {
      case (let ticket?, nil): proof = .ticket(ticket)
      case (nil, let code?): proof = .code(code)
      default:
        if !fields.isFaulty("bind_ticket"), !fields.isFaulty("code") {
          fields.fault("bind_ticket", "send exactly one of bind_ticket and code")
        }
        proof = .code("")
      }
    }
  }

  private func bindUser(
    _ request: Request, _ context: TenantContext, of kind: WeChatFederation.Kind
  ) async throws -> Response {
    let asked = try await JSONBody.read(request, BindBody.init)
    let bind = BindRequest(
      client: try client(asked.client, context), proof: asked.proof, phoneCode: asked.phoneCode,
      nickname: asked.nickname,
      avatarURL: asked.avatarURL, bindTo: asked.bindTo)
    return Self.answer(
      try await federation.bindUser(bind, of: kind, in: context.database, requestID: context.requestID),
      created: .created)
  }

  /// An id that is no id is a client that does not exist.
  private func client(_ text: String, _ context: TenantContext) throws -> ID<ThirdPartyAuthzClient> {
    guard let id = ID<ThirdPartyAuthzClient>(text) else { throw FederationRefusal.clientNotFound }
    try limit.admit("\(context.tenant.slug) \(id)")
    return id
  }

  private static func answer(_ outcome: FederationOutcome, created: HTTPResponse.Status) -> Response {
    func ticket(_ outcome: String, _ name: String, _ ticket: String) -> Response {
      .json { json in
        json.member("outcome", outcome)
        json.member(name, ticket)
        json.member("expires_in", FederationTransaction.lifetime)
      }
    }
    switch outcome {
    case .authenticated(let signedIn): return answer(signedIn, status: signedIn.created ? created : .ok)
    case .registrationRequired(let text): return ticket("registration_required", "bind_ticket", text)
    case .mfaRequired(let text, _): return ticket("mfa_required", "mfa_ticket", text)
    }
  }

  private static func answer(_ signedIn: FederationOutcome.SignedIn, status: HTTPResponse.Status) -> Response {
    let user = signedIn.user
    let body = JSONWriter.object(capacity: 3000) { json in
      json.member("outcome", "authenticated")
      signedIn.tokens.write(to: &json)
      json.member("created", signedIn.created)
      json.key("user")
      json.beginObject()
      json.member("sub", user.id.description)
      json.member("username", user.username)
      json.member("name", user.name)
      json.member("picture", user.picture)
      json.member("phone_number", user.phoneNumber)
      json.member("attributes", raw: user.attributes.utf8)
      json.endObject()
    }
    return .json(status, body)
  }

  // MARK: SiX's wire form

  @Sendable private func sixProfile(_ request: Request, _ context: TenantContext) async throws -> Response {
    guard let fields = FormFields.parse(request.uri.query ?? ""),
      let code = fields["code"], let client = fields["clientPrimaryId"], code.utf8.count <= 512
    else {
      throw Problem(.badRequest, "invalid_request", "Send clientPrimaryId and code once each in the query.")
    }
    let profile = try await federation.sixProfile(
      code, client: try self.client(client, context), in: context.database, requestID: context.requestID)
    return .json { json in
      json.key("data")
      json.beginObject()
      json.member("openid", profile.openid)
      json.key("federateIdentities")
      json.beginArray()
      json.beginObject()
      json.member("federateCodeType", profile.codeType)
      json.member("federateCode", profile.code)
      if profile.codeType == "Token" {
        json.key("user")
        json.beginObject()
        json.member("username", profile.username)
        json.endObject()
      }
      json.endObject()
      json.endArray()
      json.endObject()
    }
  }

  private func sixBindUser(_ request: Request, _ context: TenantContext) async throws -> Response {
    let fields = try await request.form()
    guard let code = fields["federateCode"], let client = fields["clientPrimaryId"] else {
      throw Problem(.badRequest, "invalid_request", "Send clientPrimaryId and federateCode in the form.")
    }
    let bind = BindRequest(client: try self.client(client, context), proof: .ticket(code), phoneCode: fields["code"])
    let user = try await federation.sixBind(bind, in: context.database, requestID: context.requestID)
    return .json { json in
      json.key("data")
      json.beginObject()
      json.member("userId", user.id.description)
      json.member("username", user.recognisableName)
      json.endObject()
    }
  }
}
