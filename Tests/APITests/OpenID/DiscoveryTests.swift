import Foundation
import JSON
import TestSupport
import Testing

/// `oidcc-discovery-endpoint-verification`: the document as a whole (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2).
@Suite("OpenID provider, discovery")
struct DiscoveryTests {
  /// The members that we publish, each a name of the registry "OAuth Authorization Server Metadata", by the type of their values.
  private static let endpoints: Set = [
    "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint", "introspection_endpoint",
    "revocation_endpoint", "pushed_authorization_request_endpoint", "device_authorization_endpoint", "jwks_uri",
  ]
  private static let flags: Set = [
    "require_pushed_authorization_requests", "authorization_response_iss_parameter_supported",
    "claims_parameter_supported", "backchannel_logout_supported", "backchannel_logout_session_supported",
    "request_parameter_supported", "request_uri_parameter_supported",
  ]
  private static let lists: Set = [
    "scopes_supported", "response_types_supported", "response_modes_supported", "code_challenge_methods_supported",
    "prompt_values_supported", "ui_locales_supported", "grant_types_supported", "dpop_signing_alg_values_supported",
    "acr_values_supported", "subject_types_supported", "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint_auth_methods_supported", "introspection_endpoint_auth_signing_alg_values_supported",
    "revocation_endpoint_auth_methods_supported", "revocation_endpoint_auth_signing_alg_values_supported",
    "claims_supported",
  ]

  private static func words(_ document: JSONObject, _ name: String) -> [String] {
    document[name]?.array?.compactMap(\.string) ?? []
  }

  @Test("C1, C12, P06: registered names of the right types only, no empty list, and https addresses of one base")
  func shape() async throws {
    let shared = try await TestServer.shared()
    let server = try await TestServer.start(
      on: shared.database, more: ["QIAO_PUBLIC_URL": "https://id.example.test"], refreshesTokens: false)
    let tenant = try await server.tenant()
    let application = try await tenant.application()
    let slug = try await tenant.send("GET", "identity-applications/\(application)").text("slug")
    let path = "/t/\(tenant.slug)/i/\(slug)"
    let issuer = "https://id.example.test\(path)"
    for location in ["\(path)/.well-known/openid-configuration", "/.well-known/oauth-authorization-server\(path)"] {
      let answer = try await server.send("GET", location)
      #expect(answer.status == 200 && answer.headers["content-type"] == "application/json")
      let document = answer.json
      #expect(document["issuer"] == .string(issuer))
      let names = document.members.map(\.name)
      #expect(Set(names).count == names.count)
      #expect(Set(names) == Self.endpoints.union(Self.flags).union(Self.lists).union(["issuer"]))
      for name in Self.endpoints {
        let address = document[name]?.string ?? ""
        #expect(address.hasPrefix("\(issuer)/"), "\(name): \(address)")
        #expect(address.wholeMatch(of: /[A-Za-z0-9:\/._-]+/) != nil, "\(name): no query, fragment or user")
      }
      for name in Self.flags { #expect(document[name]?.boolean != nil, "\(name)") }
      for name in Self.lists {
        let values = Self.words(document, name)
        #expect(!values.isEmpty && values.count == document[name]?.array?.count, "\(name)")
        #expect(Set(values).count == values.count, "\(name)")
      }
    }
  }

  @Test("scopes, languages and algorithms are well-formed, and what is named is what there is")
  func values() async throws {
    let party = try await TestRelyingParty.make()
    let document = try await party.discovery().json
    let scopes = Self.words(document, "scopes_supported")
    #expect(scopes == ["openid", "profile", "email", "phone", "address", "offline_access"])
    for scope in scopes { #expect(scope.wholeMatch(of: /[\x21\x23-\x5B\x5D-\x7E]+/) != nil, "\(scope)") }
    // Language, script and region of BCP 47 in their canonical case.
    for tag in Self.words(document, "ui_locales_supported") {
      #expect(tag.wholeMatch(of: /[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?/) != nil, "\(tag)")
      #expect(
        try await party.authorize(TestBrowser(party.server), ["ui_locales": tag]).text.contains("lang=\"\(tag)\""))
    }
    for name in Self.lists where name.contains("signing_alg") {
      #expect(Set(Self.words(document, name)).isDisjoint(with: ["none", "HS256", "HS384", "HS512"]), "\(name)")
    }
    #expect(Self.words(document, "response_types_supported") == ["code"])
    #expect(Self.words(document, "subject_types_supported") == ["public"])
  }

  @Test("claims_supported holds every claim of an ID token and of userinfo")
  func claims() async throws {
    let party = try await TestRelyingParty.make()
    let answer = try await party.tokens(["scope": "openid profile email phone address"])
    let supported = Set(Self.words(try await party.discovery().json, "claims_supported"))
    let told = answer.claims("id_token").members + (try await party.userinfo(answer.text("access_token"))).json.members
    for name in Set(told.map(\.name)) { #expect(supported.contains(name), "\(name)") }
  }

  @Test("O17: keys and both documents are revalidated each time by an ETag, so a new key is seen before it signs")
  func caching() async throws {
    let party = try await TestRelyingParty.make()
    let paths = [
      "\(party.issuerPath)/jwks.json", "\(party.issuerPath)/.well-known/openid-configuration",
      "/.well-known/oauth-authorization-server\(party.issuerPath)",
    ]
    for path in paths {
      let answer = try await party.server.send("GET", path)
      #expect(answer.headers["cache-control"] == "public, max-age=0, must-revalidate")
      let tag = try #require(answer.headers["etag"])
      #expect(tag.wholeMatch(of: /"[A-Za-z0-9_-]{16,}"/) != nil, "strong: \(tag)")
      for held in [tag, "\"x\", \(tag)"] {
        let same = try await party.server.send("GET", path, headers: [("If-None-Match", held)])
        #expect(same.status == 304 && same.text.isEmpty && same.headers["etag"] == tag, "\(held)")
        #expect(same.headers["cache-control"] == answer.headers["cache-control"])
      }
      #expect(try await party.server.send("GET", path, headers: [("If-None-Match", "\"x\"")]).status == 200)
    }
    let tag = try #require(try await party.server.send("GET", paths[0]).headers["etag"])
    let rotated = try await party.tenant.send(
      "POST", "identity-applications/\(party.applicationID)/rotate-signing-key")
    #expect(rotated.status == 200)
    let changed = try await party.server.send("GET", paths[0], headers: [("If-None-Match", tag)])
    #expect(changed.status == 200 && changed.headers["etag"] != tag)
  }
}
