import Federation
import FoundationEssentials
import OAuth
import Observability
import Query
import Secrets
import Tenancy

extension Authorization {
  /// Where a browser that came back from WeChat stands.
  public enum WeChatReturn: Sendable {
    /// Somebody has shown for the interaction who they are.
    case entered(interaction: Secret<String>, Entrance)
    /// Nobody is known; the interaction carries a ticket for the person.
    case newcomer(interaction: Secret<String>)
    /// The person said no, for the interaction or for a link.
    case declined(interaction: Secret<String>?)
    /// Not the person who alone may answer the interaction.
    case somebodyElse(interaction: Secret<String>)
    /// The identity is the user's.
    case linked
    /// The identity is another user's.
    case linkedElsewhere
  }

  /// Why a browser that came back gets a page.
  public enum WeChatReturnRefusal: Error, Sendable {
    /// The `state` is missing, unknown, used, expired, or another browser's, client's, application's or purpose's.
    case lost
    /// Everything later, with the interaction to try again.
    case refused(FederationRefusal, interaction: Secret<String>?)
  }

  /// Takes a browser back from WeChat: spends its `state`, then exchanges the code.
  ///
  /// ```
  ///  state ─► no code ─► declined
  ///       └─► code ─► login: known or created ─► signed in     link: nobody's or the user's ─► linked
  ///                          unknown ─► newcomer                     another user's ─► linked elsewhere
  /// ```
  /// - Throws: `WeChatReturnRefusal`; WeChat was not asked unless `state` was right.
  public func backFromWeChat(
    state: String?, code: String?, client: ID<ThirdPartyAuthzClient>, _ visit: Visit, in database: TenantDatabase
  ) async throws(WeChatReturnRefusal) -> WeChatReturn {
    guard let state = state.flatMap(AuthorizationState.init), (code?.utf8.count ?? 0) <= 512 else { throw .lost }
    let spend = SpendWeChatAuthorization(
      state: state, browserHash: visit.browserHash, application: visit.application, client: client,
      codeHash: code.map { Digest.sha256($0.utf8) }, cookie: visit.cookie)
    let spent: SpendWeChatAuthorization.Output?
    do {
      spent = try await database.run(spend).first
    } catch {
      throw .refused(.fault(.database(error)), interaction: nil)
    }
    guard let spent, let kind = WeChatFederation.Kind(rawValue: spent.provider) else { throw .lost }
    guard let sealed = spent.interactionSealed else {
      guard let user = spent.user else { throw .lost }
      guard let code else { return .declined(interaction: nil) }
      let arrival = WeChatArrival(
        authorization: state.token.id, code: code, client: client, kind: kind, requestID: visit.requestID)
      do {
        return try await link(arrival, to: user, in: database)
      } catch {
        throw .refused(error, interaction: nil)
      }
    }
    guard let bytes = try? weChat.ring.open(sealed, for: .interaction(database.tenant.id, state.token.id)) else {
      throw .refused(.fault(.sealedValue("wechat_authorizations.interaction_sealed")), interaction: nil)
    }
    let token = Secret(String(decoding: bytes, as: UTF8.self))
    guard let code else { return .declined(interaction: token) }
    let arrival = WeChatArrival(
      authorization: state.token.id, code: code, client: client, kind: kind, requestID: visit.requestID)
    do {
      return try await signIn(arrival, token, visit, in: database)
    } catch let refusal as WeChatReturnRefusal {
      throw refusal
    } catch let refusal as FederationRefusal {
      throw .refused(refusal, interaction: token)
    } catch {
      throw .lost
    }
  }

  private func signIn(
    _ arrival: WeChatArrival, _ token: Secret<String>, _ visit: Visit, in database: TenantDatabase
  ) async throws -> WeChatReturn {
    let interaction: Interaction
    do {
      interaction = try await self.interaction(token.expose(), visit, in: database)
    } catch .fault(let fault) {
      throw FederationRefusal.fault(fault)
    } catch {
      throw WeChatReturnRefusal.lost
    }
    switch try await weChat.signIn(arrival, only: interaction.onlyUser, in: database) {
    case .signedIn(let user, let cookie):
      guard let entrance = try await enter(interaction, user, cookie, visit, in: database) else {
        throw WeChatReturnRefusal.lost
      }
      return .entered(interaction: token, entrance)
    case .somebodyElse: return .somebodyElse(interaction: token)
    case .newcomer(let ticket):
      guard try await carry(ticket, interaction, in: database) else { throw WeChatReturnRefusal.lost }
      return .newcomer(interaction: token)
    }
  }

  /// Makes the session whose cookie was chosen with the exchange; a browser that is back twice at once finds it made.
  private func enter(
    _ interaction: Interaction, _ user: ID<User>, _ cookie: OpaqueToken, _ visit: Visit, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Entrance? {
    do {
      return try await enter(interaction, user: user, amr: WeChatFederation.amr, cookie: cookie, visit, in: database)
    } catch .fault(.database(.unique)) {
      return .signedIn(cookie.text)
    } catch .fault(let fault) {
      throw .fault(fault)
    } catch {
      return nil
    }
  }

  private func link(
    _ arrival: WeChatArrival, to user: ID<User>, in database: TenantDatabase
  ) async throws(FederationRefusal) -> WeChatReturn {
    try await weChat.link(arrival, to: user, in: database) ? .linked : .linkedElsewhere
  }
}
