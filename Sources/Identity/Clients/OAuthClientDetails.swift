import FoundationEssentials
import JSON
import Query
import Tenancy

/// An OAuth client as its tenant manages it; `id` is the `client_id`.
public struct OAuthClientDetails: Sendable {
  /// The `client_id`.
  public let id: ID<OAuthClient>
  /// The directory it signs users in from.
  public let applicationID: ID<IdentityApplication>
  /// What kind of app it is.
  public let type: OAuthClientType
  /// Its metadata.
  public let settings: OAuthClientSettings
  /// True when it has a secret.
  public let hasSecret: Bool
  /// Counts the changes of the row.
  public let version: Int
  /// When it was made.
  public let createdAt: Date
  /// When it changed last.
  public let updatedAt: Date

  /// Reads the columns `id, identity_application_id, type, name, redirect_uris, post_logout_redirect_uris,
  /// backchannel_logout_uri, grant_types, token_endpoint_auth_method, jwks, jwks_uri, require_pushed_authorization_requests,
  /// require_consent, scopes, dpop_bound_access_tokens, client_secret_hash IS NOT NULL, version, created_at, updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    applicationID = try row.next()
    type = OAuthClientType(rawValue: try row.next()) ?? .service
    var settings = OAuthClientSettings(type, name: try row.next())
    settings.redirectURIs = try row.next(ColumnArray<String>.self).elements
    settings.postLogoutRedirectURIs = try row.next(ColumnArray<String>.self).elements
    settings.backchannelLogoutURI = try row.next()
    settings.grants = try row.next(ColumnArray<String>.self).elements.compactMap(ClientGrant.init)
    settings.authMethod = ClientAuthMethod(rawValue: try row.next()) ?? .none
    let jwks: JSONText? = try row.next()
    settings.jwks = jwks.flatMap { try? JSONValue(parsing: $0.utf8) }?.object
    settings.jwksURI = try row.next()
    settings.requiresPAR = try row.next()
    settings.requiresConsent = try row.next()
    settings.scopes = try row.next(ColumnArray<String>.self).elements
    settings.requiresDPoP = try row.next()
    self.settings = settings
    hasSecret = try row.next()
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}

extension OAuthClientSettings {
  /// Binds `name, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, grant_types, token_endpoint_auth_method,
  /// jwks, jwks_uri, require_pushed_authorization_requests, require_consent, scopes, dpop_bound_access_tokens`: 12 parameters.
  func bind(to binder: inout Binder) {
    binder.bind(name)
    binder.bind(ColumnArray(redirectURIs))
    binder.bind(ColumnArray(postLogoutRedirectURIs))
    binder.bind(backchannelLogoutURI)
    binder.bind(ColumnArray(grants.map(\.rawValue)))
    binder.bind(authMethod.rawValue)
    binder.bind(jwks.map { JSONText(utf8: JSONValue.object($0).text) })
    binder.bind(jwksURI)
    binder.bind(requiresPAR)
    binder.bind(requiresConsent)
    binder.bind(ColumnArray(scopes))
    binder.bind(requiresDPoP)
  }
}
