import FoundationEssentials
import OAuth
import Secrets
import Tenancy

extension Authorization {
  /// Takes a request from its client (RFC 9126 section 2.1).
  /// - Throws: `.oauth`: the client does not authenticate as it must, or the error that the request would have met later.
  public func push(
    _ request: TokenEndpoint.Request, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> PushedRequest {
    guard let credentials = request.client else { throw TokenEndpoint.unauthenticated }
    let client = try await credentials.authenticate(request.application, in: database)
    var fields = request.fields.filter { !PushedRequest.ownFields.contains($0.key) }
    fields["client_id"] = client.id.canonical
    do throws(OAuthError) {
      try Self.bind(&fields, to: request.proof)
      guard fields["request_uri"] == nil else {
        throw OAuthError(.invalidRequest, "request_uri has no place in a pushed request")
      }
      guard fields.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) <= PushedRequest.mostBytes else {
        throw OAuthError(.invalidRequest, "the request is too long")
      }
      _ = try client.registration.redirectURI(fields, refusal: .invalidRequest)
      _ = try client.registration.request(fields)
    } catch {
      throw .oauth(error)
    }
    let token = OpaqueToken.make(prefix: PushedRequest.prefix)
    let store = StorePushedRequest(token: token, application: client.application.id, client: client.id, fields: fields)
    do {
      _ = try await database.run(store, proving: request.proof)
    } catch {
      throw OAuthRefusal(error)
    }
    return PushedRequest(uri: token.text.map { PushedRequest.scheme + $0 })
  }

  /// The fields that count: of a pushed request the pushed ones only, whatever stands beside its address.
  /// - Throws: `.oauth` for a page: unknown, spent, too old, or of another client or issuer.
  func effective(
    _ fields: [String: String], of client: UUID, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> [String: String] {
    var fields = fields
    fields[PushedRequest.field] = nil
    guard let uri = fields["request_uri"], uri.hasPrefix(PushedRequest.scheme) else { return fields }
    guard let token = PushedRequest.token(uri) else { throw Self.noPushedRequest }
    let find = FindPushedRequest(token: token, application: visit.application, client: client)
    guard var pushed = try await run(find, in: database).first else { throw Self.noPushedRequest }
    pushed[PushedRequest.field] = token.id.canonical
    return pushed
  }

  /// Ends what an answered request was pushed as.
  /// - Throws: `.oauth` for a page when it had an answer already.
  func spend(pushed fields: [String: String], in database: TenantDatabase) async throws(OAuthRefusal) {
    guard let row = fields[PushedRequest.field].flatMap({ UUID(canonical: $0) }) else { return }
    guard try await !run(SpendPushedRequest(row: row), in: database).isEmpty else { throw Self.noPushedRequest }
  }

  private static let noPushedRequest = OAuthRefusal.oauth(
    OAuthError(.invalidRequestURI, "request_uri is unknown, used, too old, or of another client"))
}
