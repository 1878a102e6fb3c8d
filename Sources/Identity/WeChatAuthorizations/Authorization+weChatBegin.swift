import Federation
import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

extension Authorization {
  /// What a browser goes to WeChat for.
  public enum WeChatErrand: Sendable {
    /// To sign in for an interaction.
    case login(Interaction)
    /// To link the identity to the user who is signed in.
    case link
  }

  /// Why a browser is not sent to WeChat.
  public enum WeChatBeginRefusal: Error, Sendable {
    /// No such enabled client of this application that browsers can go to.
    case noSuchClient
    /// Nobody is signed in, or for longer than five minutes.
    case signInAgain
    /// A fault of ours.
    case fault(IdentityFault)
  }

  /// Begins an authorization at WeChat and says where the browser is to go.
  ///
  /// - Parameters:
  ///   - framed: true for the page that stands in a frame of ours.
  ///   - isEnglish: the language of WeChat's page.
  /// - Throws: `WeChatBeginRefusal`.
  public func beginAtWeChat(
    _ errand: WeChatErrand, client: ID<ThirdPartyAuthzClient>, framed: Bool = false, isEnglish: Bool, _ visit: Visit,
    in database: TenantDatabase
  ) async throws(WeChatBeginRefusal) -> String {
    let state = AuthorizationState.make()
    let purpose: BeginWeChatAuthorization.Purpose
    switch errand {
    case .login(let interaction):
      let sealed = weChat.ring.seal(
        Array(interaction.token.expose().utf8), for: .interaction(database.tenant.id, state.token.id))
      purpose = .login(interaction: interaction.opaque.id, sealed: sealed)
    case .link:
      guard let session = visit.cookie else { throw .signInAgain }
      purpose = .link(session: session)
    }
    let begin = BeginWeChatAuthorization(
      client: client, application: visit.application, state: state, browserHash: visit.browserHash, purpose: purpose)
    let begun: BeginWeChatAuthorization.Output?
    do {
      begun = try await database.run(begin).first
    } catch {
      throw .fault(.database(error))
    }
    guard let begun else { throw .noSuchClient }
    guard begun.isBegun else { throw .signInAgain }
    let isInside = begun.provider == WeChatFederation.Kind.officialAccount.rawValue
    return pages.address(
      of: BrowserAuthorization(
        page: isInside ? .insideApp : framed ? .framedQR : .qr, appID: begun.appID,
        redirectURI: "\(visit.issuer)/wechat/callback/\(client)", state: state.text.expose(), isEnglish: isEnglish))
  }

  /// Where a page in a frame may come from.
  public var weChatOrigin: String { pages.origin }

  /// An interaction with the ways to sign in for it by WeChat.
  /// - Throws: `.oauth` for a page: unknown, used, expired, or another browser's.
  public func interactionWithWays(
    _ token: String?, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> (Interaction, [WeChatWay]) {
    guard let opaque = token.flatMap({ OpaqueToken($0, prefix: Interaction.prefix) }) else { throw Self.lost }
    let find = FindInteraction(
      token: opaque, browserHash: visit.browserHash, application: visit.application, cookie: visit.cookie)
    do {
      let (found, ways) = try await database.run(find, ListWeChatWays(application: visit.application))
      return (try Self.interaction(opaque, found.first, visit), ways)
    } catch let error as DatabaseError {
      throw .fault(.database(error))
    } catch {
      throw Self.lost
    }
  }

  /// The ways to sign in by WeChat.
  /// - Throws: `.fault`.
  public func weChatWays(_ visit: Visit, in database: TenantDatabase) async throws(OAuthRefusal) -> [WeChatWay] {
    try await run(ListWeChatWays(application: visit.application), in: database)
  }
}

extension KeyRing.Place {
  /// Where the interaction lies that a `state` goes back to.
  static func interaction(_ tenant: ID<Tenant>, _ row: UUID) -> KeyRing.Place {
    KeyRing.Place(tenant: tenant.uuid, table: "wechat_authorizations", column: "interaction_sealed", row: row.canonical)
  }

  /// Where the ticket lies that an interaction carries.
  static func carriedTicket(_ tenant: ID<Tenant>, _ row: UUID) -> KeyRing.Place {
    KeyRing.Place(tenant: tenant.uuid, table: "authorization_requests", column: "ticket_sealed", row: row.canonical)
  }
}
