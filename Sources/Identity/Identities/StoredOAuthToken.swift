import Federation
import FoundationEssentials
import JSON
import Observability
import Secrets
import Tenancy

/// The grant a person gave one of our apps at WeChat, as `federated_identities.oauth_token_sealed` holds it.
///
/// Sealed for (tenant, AppID, openid), so that it opens for this person only:
/// `{"access_token": "…", "refresh_token": "…"|null, "expires_at": <seconds of the Unix epoch>, "scope": "snsapi_login"}`.
struct StoredOAuthToken: Sendable {
  /// Reads the person's profile.
  let access: Secret<String>
  /// Renews the access token; lives 30 days from the login.
  let refresh: Secret<String>?
  /// The end of the access token.
  let expiresAt: Date
  /// As WeChat spells it, for example `snsapi_login`.
  let scope: String

  /// What a login or a renewal at `now` gave.
  init(_ token: OAuthUserToken, now: Date) {
    access = token.access
    refresh = token.refresh
    expiresAt = now + TimeInterval(token.expiresIn.components.seconds)
    scope = token.scope
  }

  /// Opens a stored grant.
  /// - Throws: `KeyRing.Fault`; `.damaged` also for what is not of the form.
  init(
    opening sealed: [UInt8], with ring: KeyRing, tenant: ID<Tenant>, appID: String, openid: String
  ) throws(KeyRing.Fault) {
    let plain = try ring.open(sealed, for: Self.place(tenant, appID, openid))
    guard let object = (try? JSONValue(parsing: plain))?.object, let access = object["access_token"]?.string,
      let seconds = object["expires_at"]?.integer
    else { throw .damaged }
    self.access = Secret(access)
    refresh = object["refresh_token"]?.string.map(Secret.init)
    expiresAt = Date(timeIntervalSince1970: TimeInterval(seconds))
    scope = object["scope"]?.string ?? ""
  }

  /// The form to store.
  func sealed(with ring: KeyRing, tenant: ID<Tenant>, appID: String, openid: String) -> [UInt8] {
    let json = JSONWriter.object { json in
      json.member("access_token", access.expose())
      json.member("refresh_token", refresh?.expose())
      json.member("expires_at", Int(expiresAt.timeIntervalSince1970))
      json.member("scope", scope)
    }
    return ring.seal(json, for: Self.place(tenant, appID, openid))
  }

  /// True when the person let the app read their profile; `snsapi_base` alone does not.
  var mayReadProfile: Bool {
    scope.split { $0 == "," || $0 == " " }.contains { $0 == "snsapi_userinfo" || $0 == "snsapi_login" }
  }

  private static func place(_ tenant: ID<Tenant>, _ appID: String, _ openid: String) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "federated_identities", column: "oauth_token_sealed", row: "\(appID) \(openid)")
  }
}
