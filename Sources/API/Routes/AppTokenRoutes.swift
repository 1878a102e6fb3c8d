import Hummingbird
import Identity
import JSON
import Observability
import Tenancy

/// `third-party-authz-clients/{id}/access-token`: the hub of WeChat app access tokens, for the tenant's own back end.
struct AppTokenRoutes: Sendable {
  let hub: AppTokenHub

  var endpoints: [Endpoint<ManagementContext>] {
    let path = "third-party-authz-clients/{id}/access-token"
    return [
      .get(path, "get_wechat_access_token", .wechatTokensRead) { request, context in
        try QueryParameters.none(request)
        let client: ID<ThirdPartyAuthzClient> = try context.id()
        let current = try await asking { () async throws(FederationRefusal) in
          try await hub.current(of: client, in: context.database)
        }
        return .json { json in
          json.member("access_token", current.token.expose())
          json.member("expires_in", current.expiresIn)
        }
      },
      .post(
        "\(path)/invalidate", "invalidate_wechat_access_token", .wechatTokensRead,
        body: FieldReader.schema(of: Self.token), status: .accepted
      ) { request, context in
        try QueryParameters.none(request)
        let client: ID<ThirdPartyAuthzClient> = try context.id()
        let token = Secret(try await JSONBody.read(request, Self.token))
        try await asking { () async throws(FederationRefusal) in
          try await hub.invalidate(token, of: client, in: context.database)
        }
        return Response(status: .accepted)
      },
    ]
  }

  private static func token(_ fields: inout FieldReader) -> String { fields.required("access_token", .text(1...1024)) }

  private func asking<Value: Sendable>(_ body: () async throws(FederationRefusal) -> Value) async throws -> Value {
    do throws(FederationRefusal) {
      return try await body()
    } catch {
      switch error {
      case .clientNotFound: throw Problem.notFound
      case .credentialFailing:
        throw Problem.conflict(
          "credential_failing",
          "WeChat refuses the credentials of this client; its credential_error says what to do.")
      case .tokenUnavailable:
        throw Problem(
          .serviceUnavailable, "wechat_token_unavailable", "There is no access token yet; try again in a moment.",
          headers: [.retryAfter: "2"])
      case .fault(let fault): throw fault
      default: throw error
      }
    }
  }
}
