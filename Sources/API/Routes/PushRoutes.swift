import HTTPTypes
import Hummingbird
import Identity
import NIOCore
import Tenancy

/// `/t/{tenant}/wechat/push/{client}`: where WeChat sends messages by itself.
struct PushRoutes: Sendable {
  /// WeChat's events have a few hundred bytes; an encrypted one somewhat more.
  private static let mostBytes = 65_536

  let inbox: PushInbox

  func add(to group: RouterGroup<TenantContext>) {
    group.get("wechat/push/{client}", use: verify)
    group.post("wechat/push/{client}", use: receive)
  }

  @Sendable private func verify(_ request: Request, _ context: TenantContext) async throws -> Response {
    let client: ID<ThirdPartyAuthzClient> = try context.id("client")
    let echo = try await told {
      () async throws(PushInbox.Refusal) in
      try await inbox.echo(try Self.query(request), client: client, in: context.database)
    }
    return Self.text(echo)
  }

  @Sendable private func receive(_ request: Request, _ context: TenantContext) async throws -> Response {
    let client: ID<ThirdPartyAuthzClient> = try context.id("client")
    let body: [UInt8]
    do {
      body = Array(buffer: try await request.body.collect(upTo: Self.mostBytes))
    } catch is NIOTooManyBytesError {
      throw Problem(.contentTooLarge, "content_too_large", "A push may have at most 64 KiB.")
    }
    try await told { () async throws(PushInbox.Refusal) in
      try await inbox.receive(
        try Self.query(request), body: body, client: client, in: context.database, requestID: context.requestID)
    }
    return Self.text("success")
  }

  private static func query(_ request: Request) throws(PushInbox.Refusal) -> [String: String] {
    guard let fields = FormFields.parse(request.uri.query ?? "") else { throw .refused }
    return fields
  }

  private static func text(_ text: String) -> Response {
    Response(
      status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  private func told<Value: Sendable>(_ body: () async throws(PushInbox.Refusal) -> Value) async throws -> Value {
    do throws(PushInbox.Refusal) {
      return try await body()
    } catch {
      switch error {
      case .clientNotFound: throw Problem.notFound
      case .refused:
        throw Problem(
          .forbidden, "push_refused",
          "The push is not one of WeChat's to this client, or it is older than five minutes. Compare Token and EncodingAESKey."
        )
      case .notEncrypted:
        throw Problem(
          .badRequest, "push_not_encrypted",
          "In plain mode nobody signs the body, so this event has no effect. Choose safe mode at WeChat.")
      case .fault(let fault): throw fault
      }
    }
  }
}
