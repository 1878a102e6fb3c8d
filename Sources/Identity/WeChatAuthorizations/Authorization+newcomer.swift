import FoundationEssentials
import OAuth
import Observability
import Secrets
import Tenancy

/// Persons whom WeChat authenticated and nobody knows: a ticket stands for them in the interaction, sealed, until they make an
/// account or sign in to one they have.
extension Authorization {
  /// Somebody an interaction carries a ticket for.
  public struct Newcomer: Sendable {
    /// What they call themselves at WeChat.
    public let nickname: String?
  }

  /// Who waits in an interaction; `nil` for nobody, or when the ticket is not good any more.
  /// - Throws: `.fault`.
  public func newcomer(
    _ interaction: Interaction, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Newcomer? {
    guard let ticket = try ticket(of: interaction, in: database) else { return nil }
    do {
      return Newcomer(nickname: try await weChat.nickname(ofTicket: ticket, in: database))
    } catch .fault(let fault) {
      throw .fault(fault)
    } catch {
      return nil
    }
  }

  /// Makes an account for the newcomer of an interaction and signs them in.
  ///
  /// Who presses the button twice is let in twice with the same cookie: the browser forgets the first answer.
  /// - Returns: how far they are.
  /// - Throws: `FederationRefusal`; `.ticketInvalid` also when nobody waits.
  public func register(
    _ interaction: Interaction, _ visit: Visit, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Entrance {
    let cookie = registrationCookie(interaction)
    do {
      let user: User
      do {
        guard let ticket = try ticket(of: interaction, in: database) else { throw FederationRefusal.ticketInvalid }
        user = try await weChat.register(ticket: ticket, in: database, requestID: visit.requestID)
      } catch FederationRefusal.ticketInvalid {
        guard let entrance = try await registered(interaction, cookie, in: database) else {
          throw FederationRefusal.ticketInvalid
        }
        return entrance
      }
      _ = try await run(CarryTicket(interaction: interaction.opaque, sealed: nil), in: database)
      let entrance = try await enter(
        interaction, user: user.id, amr: WeChatFederation.amr, cookie: cookie, visit, in: database)
      guard let entrance else { throw FederationRefusal.userDisabled }
      return entrance
    } catch OAuthRefusal.fault(let fault) {
      throw .fault(fault)
    } catch let refusal as FederationRefusal {
      throw refusal
    } catch {
      throw .ticketInvalid
    }
  }

  /// The cookie of the session that registering in this interaction makes: made from it, so that a second press of the button gives
  /// the same one; nobody without the server's key can make it.
  private func registrationCookie(_ interaction: Interaction) -> OpaqueToken {
    let key = weChat.ring.derivedKey("registration cookie")
    return OpaqueToken(
      prefix: BrowserSession.prefix, id: interaction.opaque.id,
      secret: Digest.hmac(interaction.opaque.secret.expose(), key: key))
  }

  /// How far somebody is whose ticket another request of the same form has spent; `nil` when none did.
  private func registered(
    _ interaction: Interaction, _ cookie: OpaqueToken, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Entrance? {
    let find = FindRegistration(interaction: interaction.opaque, cookie: cookie)
    // The other request may be just between the account and the session.
    for pause in [0, 20, 50, 100, 200, 400, 800] {
      if pause > 0 { try? await Task.sleep(for: .milliseconds(pause)) }
      guard let found = try await run(find, in: database).first else { return nil }
      if let session = found.session {
        return .signedIn(
          OpaqueToken(prefix: BrowserSession.prefix, id: session.uuid, secret: cookie.secret.expose()).text)
      }
      if found.owesSecondFactor { return .secondFactor(isEnrolled: false) }
    }
    return nil
  }

  /// Gives the newcomer's identity to the user who signed in instead; called when the sign-in is whole.
  /// - Throws: `.oauth` when it became another user's meanwhile, `.fault`.
  func connectNewcomer(
    _ interaction: Interaction, to user: ID<User>, in database: TenantDatabase, requestID: String
  ) async throws(OAuthRefusal) {
    guard let ticket = try ticket(of: interaction, in: database) else { return }
    let isConnected: Bool
    do {
      isConnected = try await weChat.bind(
        ticket: ticket, to: user, means: "sign_in", in: database, requestID: requestID)
    } catch .fault(let fault) {
      throw .fault(fault)
    } catch {
      // The ticket has no use any more; the sign-in itself is as good as it was.
      isConnected = true
    }
    _ = try await run(CarryTicket(interaction: interaction.opaque, sealed: nil), in: database)
    guard isConnected else {
      throw .oauth(OAuthError(.accessDenied, "this WeChat account is connected to another account"))
    }
  }

  /// Lets the interaction carry a ticket; false when it is over.
  func carry(
    _ ticket: String, _ interaction: Interaction, in database: TenantDatabase
  ) async throws(FederationRefusal) -> Bool {
    let sealed = weChat.ring.seal(
      Array(ticket.utf8), for: .carriedTicket(database.tenant.id, interaction.opaque.id))
    return try await !database.refusing(CarryTicket(interaction: interaction.opaque, sealed: sealed)).isEmpty
  }

  private func ticket(
    of interaction: Interaction, in database: TenantDatabase
  ) throws(OAuthRefusal) -> String? {
    guard let sealed = interaction.ticketSealed else { return nil }
    do {
      let bytes = try weChat.ring.open(sealed, for: .carriedTicket(database.tenant.id, interaction.opaque.id))
      return String(decoding: bytes, as: UTF8.self)
    } catch {
      throw .fault(.sealedValue("authorization_requests.ticket_sealed"))
    }
  }
}
