import Foundation
import JSON
import Tenancy

@testable import Identity

extension TestRelyingParty {
  /// The same token with other claims, signed by the key of the issuer that signed the first: what time makes of a token, or a
  /// fault of ours would.
  func resigned(
    _ token: String, as type: SigningKey.TokenType, _ change: (inout JSONObject) -> Void
  ) async throws -> String {
    let jwt = try TestJWT(token)
    var claims = jwt.claims
    change(&claims)
    guard let key = jwt.header["kid"]?.string.flatMap({ ID<SigningKey>($0) }),
      let application = issuerPath.split(separator: "/").last
    else { throw TestFailure(description: "no kid") }
    let services = server.runtime.services
    let scope = try await TenantDirectory(database: services.database).scope(slug: tenant.slug)
    let find = FindSigningKey(application: String(application), key: key)
    guard let stored = try await services.database.scoped(to: scope).run(find).first else {
      throw TestFailure(description: "the key is not there")
    }
    let signing = try SigningKeyCache(ring: services.ring).key(stored, tenant: scope.id)
    return String(decoding: try signing.sign(JSONValue.object(claims).text, as: type), as: UTF8.self)
  }

  /// `Authorization: Basic` of a secret, this client's own unless another is given.
  func basic(_ other: String? = nil) -> (String, String) {
    ("Authorization", "Basic \(Data("\(clientID):\(other ?? secret)".utf8).base64EncodedString())")
  }

  /// Changes the grants of the tenant, as time or a worker would.
  func changeGrants(_ set: String) async throws {
    try await server.database.administer("UPDATE grants SET \(set) WHERE tenant_id = '\(tenant.id)'")
  }
}
