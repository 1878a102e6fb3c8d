import Identity
import JSON
import OAuth
import Tenancy

/// What the body of a new OAuth client, or a patch of one, may hold; what must fit together is `OAuthClientRules`' business.
enum OAuthClientFields {
  struct New: Sendable {
    let application: ID<IdentityApplication>
    let type: OAuthClientType
    let settings: OAuthClientSettings

    init(_ fields: inout FieldReader) {
      application = fields.required("identity_application_id", .id())
      type = fields.required("type", .enumeration())
      var settings = OAuthClientSettings(type, name: fields.required("name", .text(1...200)))
      settings.redirectURIs = fields.optional("redirect_uris", uris, default: [])
      settings.postLogoutRedirectURIs = fields.optional("post_logout_redirect_uris", uris, default: [])
      settings.backchannelLogoutURI = fields.optional("backchannel_logout_uri", .text(1...2048))
      settings.grants = fields.optional("grant_types", grants, default: settings.grants)
      settings.authMethod = fields.optional("token_endpoint_auth_method", .enumeration(), default: settings.authMethod)
      settings.jwks = fields.optional("jwks", .object(limit: 65_536))
      settings.jwksURI = fields.optional("jwks_uri", .text(1...2048))
      settings.requiresPAR = fields.optional("require_pushed_authorization_requests", .boolean, default: false)
      settings.requiresConsent = fields.optional("require_consent", .boolean, default: true)
      settings.scopes = fields.optional("scopes", .scopes, default: settings.scopes)
      settings.requiresDPoP = fields.optional("dpop_bound_access_tokens", .boolean, default: false)
      self.settings = settings
    }

    /// The same, with what does not fit together among the faults.
    static func checked(by rules: OAuthClientRules) -> (inout FieldReader) -> New {
      { fields in
        let new = New(&fields)
        for fault in rules.faults(new.settings, new.type) where !fields.isFaulty(fault.field) {
          fields.fault(fault.field, fault.detail)
        }
        return new
      }
    }
  }

  static func patch(_ fields: inout FieldReader) -> OAuthClientChange {
    var change = OAuthClientChange()
    change.name = fields.replacement("name", .text(1...200))
    change.redirectURIs = fields.replacement("redirect_uris", uris)
    change.postLogoutRedirectURIs = fields.replacement("post_logout_redirect_uris", uris)
    change.backchannelLogoutURI = fields.change("backchannel_logout_uri", .text(1...2048))
    change.grants = fields.replacement("grant_types", grants)
    change.authMethod = fields.replacement("token_endpoint_auth_method", .enumeration())
    change.jwks = fields.change("jwks", .object(limit: 65_536))
    change.jwksURI = fields.change("jwks_uri", .text(1...2048))
    change.requiresPAR = fields.replacement("require_pushed_authorization_requests", .boolean)
    change.requiresConsent = fields.replacement("require_consent", .boolean)
    change.scopes = fields.replacement("scopes", .scopes)
    change.requiresDPoP = fields.replacement("dpop_bound_access_tokens", .boolean)
    return change
  }

  private static let uris = FieldType<[String]>.array(of: .text(1...2048), count: 0...50)
  private static let grants = FieldType<[ClientGrant]>.array(of: .enumeration(ClientGrant.self), count: 1...10)
}

extension FieldType where Value == [String] {
  /// Scope tokens (RFC 6749 section 3.3).
  static var scopes: FieldType {
    .array(of: FieldType<String>.text(1...100).constrained("must be a scope token", Scope.isToken), count: 0...50)
  }
}
