import FoundationEssentials
import Identity
import OAuth

extension OAuthRoutes {
  /// How a client showed who it is; `nil` when it did not say at all.
  /// - Throws: `invalid_request` for more than one way at once (RFC 6749 section 2.3), `invalid_client` for one that cannot be read.
  func credentials(_ fields: [String: String], _ header: String?) throws -> ClientCredentials? {
    let assertion: ClientCredentials?
    do {
      assertion = try assertions.credentials(fields)
    } catch {
      throw OAuthProblem(error)
    }
    guard [header, fields["client_secret"], assertion?.id].count(where: { $0 != nil }) <= 1 else { throw Self.twoWays }
    if let assertion { return assertion }
    if let header {
      guard let basic = Self.basic(header) else {
        throw OAuthProblem(OAuthError(.invalidClient, "the Authorization header is not acceptable Basic"))
      }
      guard fields["client_id"] == nil || fields["client_id"] == basic.id else { throw Self.twoWays }
      return basic
    }
    guard let id = fields["client_id"] else { return nil }
    let secret = fields["client_secret"]
    return ClientCredentials(id: id, secret: secret, method: secret == nil ? "none" : "client_secret_post")
  }

  private static let twoWays = OAuthProblem(
    OAuthError(.invalidRequest, "authenticate the client in one way only"))

  /// RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
  private static func basic(_ header: String) -> ClientCredentials? {
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "basic", let bytes = Data(base64Encoded: String(parts[1])),
      let text = String(validating: bytes, as: UTF8.self), let colon = text.firstIndex(of: ":"),
      let id = FormFields.decode(text[..<colon]), let secret = FormFields.decode(text[text.index(after: colon)...])
    else { return nil }
    return ClientCredentials(id: id, secret: secret, method: "client_secret_basic")
  }
}
