import Federation
import FoundationEssentials
import JSON
import Observability
import Query
import Secrets
import Tenancy

/// Asks WeChat about one identity with the grant its person gave: renews the grant where it is due, reads the profile, and sorts
/// what goes wrong into the situations of the contract (WeChat: `sns/oauth2/refresh_token`, `sns/userinfo`).
struct ProfileReader: Sendable {
  /// What asking came to.
  enum Outcome: Sendable {
    case found(Finding)
    /// WeChat has a limit: ask again later.
    case limited(after: Duration, errcode: Int?)
    /// WeChat did not answer.
    case away(errcode: Int?)
  }

  /// A grant this close to its end is renewed first.
  private static let margin: TimeInterval = 60

  let provider: any WebProvider
  let ring: KeyRing
  let tenant: ID<Tenant>
  let now: @Sendable () -> Date

  /// Asks about `identity`, which has a stored grant.
  func read(_ identity: IdentityToAsk, sealed: [UInt8], client: ReconcileClient) async -> Outcome {
    let stored: StoredOAuthToken
    do {
      stored = try StoredOAuthToken(
        opening: sealed, with: ring, tenant: tenant, appID: identity.appID, openid: identity.openid)
    } catch {
      return .found(Finding(identity: identity.id, answer: .none(.failed, errcode: nil), token: .keep))
    }
    guard stored.mayReadProfile else {
      return .found(Finding(identity: identity.id, answer: .none(.unqualified, errcode: nil), token: .keep))
    }
    var current = (token: stored, isNew: false)
    do throws(ProviderFailure) {
      if stored.expiresAt < now() + Self.margin {
        current = (try await renewed(stored, identity), true)
      }
      let profile: PersonProfile
      do throws(ProviderFailure) {
        profile = try await ask(identity, current.token)
      } catch {
        // Dead before its time: once more with a new one.
        guard !current.isNew, [40001, 40014, 42001].contains(error.errcode) else { throw error }
        current = (try await renewed(stored, identity), true)
        profile = try await ask(identity, current.token)
      }
      let sealed =
        current.isNew
        ? current.token.sealed(
          with: ring, tenant: tenant, appID: identity.appID, openid: identity.openid) : nil
      return .found(
        Finding(
          identity: identity.id, answer: Self.answer(profile, identity, client),
          token: sealed.map { .replace($0) } ?? .keep))
    } catch {
      return Self.sorted(error, identity)
    }
  }

  private func ask(
    _ identity: IdentityToAsk, _ token: StoredOAuthToken
  ) async throws(ProviderFailure) -> PersonProfile {
    try await provider.profile(openid: identity.openid, appID: identity.appID, accessToken: token.access)
  }

  private func renewed(
    _ token: StoredOAuthToken, _ identity: IdentityToAsk
  ) async throws(ProviderFailure) -> StoredOAuthToken {
    guard let refresh = token.refresh else { throw Self.nothingToRenewWith }
    let person = try await provider.refresh(refresh, appID: identity.appID)
    guard person.openid == identity.openid, let token = person.oauthToken else { throw Self.nothingToRenewWith }
    return StoredOAuthToken(token, now: now())
  }

  private static func answer(
    _ profile: PersonProfile, _ identity: IdentityToAsk, _ client: ReconcileClient
  ) -> Finding.Answer {
    var fields = profile.raw
    fields["openid"] = identity.openid
    let raw = JSONWriter.object { json in
      for (name, value) in profile.raw.sorted(by: { $0.key < $1.key }) { json.member(name, value) }
    }
    return .profile(
      ProfilePatch(client.propertyMap, fields: fields), unionid: profile.unionid,
      openPlatformAccount: client.openPlatformAccount, raw: JSONText(utf8: raw))
  }

  private static func sorted(_ failure: ProviderFailure, _ identity: IdentityToAsk) -> Outcome {
    func none(_ situation: Reconciliation.Situation, _ token: Finding.Token = .keep) -> Outcome {
      .found(Finding(identity: identity.id, answer: .none(situation, errcode: failure.errcode), token: token))
    }
    switch failure.errcode {
    case 40003, 50001: return none(.sourceMissing)
    case 40030, 42002, 42007: return none(.unqualified, .drop)
    case 40001, 40014, 42001, 48001: return none(.unqualified)
    case nil where failure.code == nothingToRenewWith.code: return none(.unqualified)
    default: break
    }
    if failure.code == "rate_limited" {
      return .limited(after: .seconds(failure.retryAfter ?? 60), errcode: failure.errcode)
    }
    return failure.retry == .backOff ? .away(errcode: failure.errcode) : none(.failed)
  }

  private static let nothingToRenewWith = ProviderFailure(
    code: "no_refresh_token", status: 502, errcode: nil, retry: .relogin, detail: "", detailZH: "")
}
