import FoundationEssentials
import OAuth
import Observability
import Tenancy

extension Interaction {
  /// True while somebody has shown the first factor for it and owes the second.
  public var owesSecondFactor: Bool { first != nil }
}

/// The second step of a sign-in: the interaction remembers who showed the first factor, and lives for ten minutes.
extension Authorization {
  /// What a code came to.
  public enum SecondStep: Sendable {
    /// Somebody is in.
    case entered(Entrance)
    /// The code was wrong or used before.
    case wrong
    /// Too many were; seconds until the next is looked at.
    case locked(retryAfter: Int)
  }

  /// Takes the second factor of whoever showed the first.
  /// - Throws: `.oauth` for a page: nobody did, or they may not sign in any more; `.fault`.
  public func showSecondFactor(
    _ code: String, for interaction: Interaction, _ factors: SecondFactors, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> SecondStep {
    guard let first = interaction.first else { throw Self.lost }
    let verdict: SecondFactors.Verdict
    do {
      verdict = try await factors.verify(code, of: first.user, in: database, requestID: visit.requestID)
    } catch {
      throw .fault(error)
    }
    switch verdict {
    case .wrong: return .wrong
    case .locked(let seconds): return .locked(retryAfter: seconds)
    case .right: return .entered(try await enter(interaction, first, visit, in: database))
    }
  }

  /// The key for whoever showed the first factor and must enrol.
  /// - Returns: `nil` for one who has a second factor.
  /// - Throws: `.oauth` for a page, `.fault`.
  public func beginEnrolment(
    for interaction: Interaction, _ factors: SecondFactors, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Secret<String>? {
    guard let first = interaction.first else { throw Self.lost }
    do {
      return try await factors.begin(for: first.user, page: Self.page(interaction), in: database)
    } catch {
      throw .fault(error)
    }
  }

  /// Takes the first code of a new authenticator, which is the second factor of this sign-in too.
  /// - Returns: the backup codes and the way in; `nil` for a wrong code.
  /// - Throws: `.oauth` for a page, `.fault`.
  public func confirmEnrolment(
    _ code: String, for interaction: Interaction, _ factors: SecondFactors, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> (codes: [String], entrance: Entrance)? {
    guard let first = interaction.first else { throw Self.lost }
    let codes: [String]?
    do {
      codes = try await factors.confirm(
        code, of: first.user, page: Self.page(interaction), in: database, requestID: visit.requestID)
    } catch {
      throw .fault(error)
    }
    guard let codes else { return nil }
    return (codes, try await enter(interaction, first, visit, in: database))
  }

  private func enter(
    _ interaction: Interaction, _ first: Interaction.FirstFactor, _ visit: Visit, in database: TenantDatabase
  ) async throws(OAuthRefusal) -> Entrance {
    let entrance = try await enter(
      interaction, user: first.user, amr: first.amr + SecondFactors.amr, hasSecondFactor: true, visit, in: database)
    guard let entrance else { throw Self.lost }
    return entrance
  }

  private static func page(_ interaction: Interaction) -> [UInt8] {
    Array("interaction \(interaction.opaque.id)".utf8)
  }
}
