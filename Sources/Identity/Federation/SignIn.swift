import FoundationEssentials
import OAuth
import Query
import Secrets
import Tenancy

/// Finds, joins, creates and signs in persons whom WeChat authenticated. Every step is one transaction; the unique keys of the
/// database decide between two that race, and the loser looks again.
struct SignIn: Sendable {
  /// How often a batch that lost a race looks again. Two races can follow each other (openid, then unionid), hardly four.
  private static let attempts = 4

  let database: TenantDatabase
  let client: FederationClient
  let person: Person
  /// Spent in the same transaction as the sign-in.
  let ticket: ID<FederationTransaction>?
  /// `nil` where nobody gets tokens: a browser's session is made afterwards, a link makes none.
  let plan: PlannedSession?
  let requestID: String
  /// Values that the miniapp sent along; they count as WeChat's `nickname` and `headimgurl`.
  let profile: [String: String]
  /// The answer to a code, kept in the same transaction.
  let exchange: (codeHash: [UInt8], seed: [UInt8])?
  /// How the person proved who they are; where it says `mfa`, nothing more is asked.
  var amr = WeChatFederation.amr

  /// What became of one attempt.
  private enum Step {
    case signedIn(User)
    case keptOut(User, FindKeptOut.Reason)
    case nobody
  }

  /// The person, signed in with the session of the plan; `nil` when nobody is known.
  func known() async throws(FederationRefusal) -> User? {
    try await untilSettled { patch throws(DatabaseError) in
      let plain = statement(patch)
      let step = try await self.step(plain, gave: database.run(plain))
      guard case .nobody = step, person.unionid != nil else { return step }
      let settled = statement(patch, anyUnionid: true)
      let join = JoinByUnionid(client: client, person: person, requestID: requestID)
      return try await self.step(settled, gave: database.run(lock, join, settled).2)
    }
  }

  /// The person, created and signed in; `nil` when the ticket was spent meanwhile or somebody else created them.
  func created(phoneNumber: String?) async throws(FederationRefusal) -> User? {
    // A username that somebody has gives way: to the openid, then to none.
    var names = [patch.username.always ?? patch.username.ifEmpty, person.openid, nil][...]
    while let username = names.popFirst() {
      do {
        let create = CreateShadowUser(
          ticket: ticket, user: .make(), username: username, client: client, person: person, patch: patch,
          phoneNumber: phoneNumber, requestID: requestID)
        var rest = patch
        rest.username = ProfilePatch.Column()
        let signIn = statement(rest, anyUnionid: true)
        return try user(of: await step(signIn, gave: database.run(lock, create, signIn).2))
      } catch DatabaseError.unique(constraint: "users_username_key") {
        continue
      } catch DatabaseError.unique(constraint: "users_phone_number_key") {
        throw .phoneNumberConflict
      } catch DatabaseError.unique(let constraint) where Self.isRace(constraint) {
        return nil
      } catch let error as DatabaseError {
        throw .fault(.database(error))
      } catch let refusal as FederationRefusal {
        throw refusal
      } catch {
        throw .fault(.cryptography("creating a user"))
      }
    }
    return nil
  }

  /// The person, bound to an existing user and signed in; `nil` when the ticket was spent or somebody else bound them.
  func linked(
    to user: ID<User>, means: String, phoneNumber: String?, spending ticket: ID<FederationTransaction>
  ) async throws(FederationRefusal) -> User? {
    try await untilSettled { patch throws(DatabaseError) in
      let link = LinkIdentity(
        ticket: ticket, user: user, client: client, person: person, phoneNumber: phoneNumber, means: means,
        requestID: requestID)
      let signIn = statement(patch, anyUnionid: true)
      return try await step(signIn, gave: database.run(lock, link, signIn).2)
    }
  }

  private func untilSettled(
    _ attempt: (ProfilePatch) async throws(DatabaseError) -> Step
  ) async throws(FederationRefusal) -> User? {
    var patch = patch
    for _ in 0..<Self.attempts {
      let step: Step
      do {
        step = try await attempt(patch)
      } catch .unique(constraint: "users_username_key") {
        patch.username = ProfilePatch.Column()
        continue
      } catch .unique(constraint: "users_phone_number_key") {
        throw .phoneNumberConflict
      } catch .unique(let constraint) where Self.isRace(constraint) {
        continue
      } catch {
        throw .fault(.database(error))
      }
      // Let in again between the attempt and the question: the next attempt finds them.
      if case .keptOut(_, .none) = step { continue }
      return try user(of: step)
    }
    throw .codeInFlight
  }

  /// What an attempt came to, which gave `users`: whoever is not signed in is asked about.
  private func step(_ attempt: SignInPerson, gave users: [User]) async throws(DatabaseError) -> Step {
    if let user = users.first { return .signedIn(user) }
    guard let found = try await database.run(FindKeptOut(attempt: attempt)).first else { return .nobody }
    return .keptOut(found.user, found.reason)
  }

  private func statement(_ patch: ProfilePatch, anyUnionid: Bool = false) -> SignInPerson {
    SignInPerson(
      ticket: ticket, client: client, person: person, anyUnionid: anyUnionid, patch: patch, plan: plan,
      exchange: exchange, amr: amr)
  }

  private var lock: LockPerson { LockPerson(client: client, person: person) }

  private var patch: ProfilePatch {
    // What the app sent along counts as WeChat's own word; where WeChat said something itself, that counts.
    var fields = profile.merging(person.fields) { $1 }
    fields["openid"] = person.openid
    fields["unionid"] = person.unionid
    return ProfilePatch(client.propertyMap, fields: fields)
  }

  private func user(of step: Step) throws(FederationRefusal) -> User? {
    switch step {
    case .signedIn(let user): return user
    case .nobody, .keptOut(_, .none): return nil
    case .keptOut(_, .disabled): throw .userDisabled
    case .keptOut(let user, .owesCode): throw .mfaRequired(user)
    case .keptOut(_, .mustEnrol): throw .provider(.mfaEnrollmentRequired)
    }
  }

  private static func isRace(_ constraint: String) -> Bool {
    constraint == "federated_identities_openid_key" || constraint == "unified_identities_pkey"
  }
}
