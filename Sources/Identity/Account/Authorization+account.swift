import FoundationEssentials
import OAuth
import Observability
import Secrets
import Tenancy

extension Authorization {
  /// Begins a sign-in for the account page itself.
  /// - Parameters:
  ///   - fields: `login_hint` and `ui_locales` of the sign-in page.
  ///   - user: who alone may answer it: a signed-in person who is to show that it is still them; `nil` for anybody.
  /// - Returns: the token of the interaction.
  /// - Throws: `.fault`.
  public func beginForAccount(
    _ fields: [String: String], user: ID<User>?, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Secret<String> {
    let token = OpaqueToken.make(prefix: Interaction.prefix)
    let store = StoreInteraction(
      token: token, application: visit.application, client: nil, browserHash: visit.browserHash, session: nil,
      fields: fields, user: user)
    _ = try await run(store, in: database)
    return token.text
  }

  /// Ends an answered interaction that no client began.
  func backToAccount(
    _ interaction: Interaction, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Outcome {
    guard try await !run(SpendInteraction(token: interaction.opaque), in: database).isEmpty else { throw Self.lost }
    return .account(isConfirmed: interaction.onlyUser != nil)
  }
}
