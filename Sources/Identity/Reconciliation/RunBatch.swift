import FoundationEssentials
import Query
import Tenancy

/// One batch of a run after the other: asks WeChat about a page of identities and stores what it said.
struct RunBatch: Sendable {
  /// What became of a batch.
  enum Outcome: Sendable {
    case stored
    /// The run was cancelled, or another worker has it.
    case lost
    /// WeChat has a limit; what came before it is stored.
    case limited(Duration, errcode: Int?)
    /// WeChat did not answer; what came before is stored.
    case away(errcode: Int?)
  }

  let claim: ReconciliationClaim
  let rows: TenantDatabase
  let reader: ProfileReader
  /// Calls under way at once.
  let concurrency: Int
  /// When nobody further is asked: however slow WeChat is, a batch ends well within the lease.
  let end: ContinuousClock.Instant
  /// True when the run has not come on for some claims: then the first identity that cannot be asked fails.
  var isImpatient: Bool
  /// The last identity that is stored.
  var reached: UUID?
  /// Identities that are stored.
  var done = 0

  /// The clients of those who were asked so far; `nil` for one that is not enabled.
  private(set) var clients: [ID<ThirdPartyAuthzClient>: ReconcileClient?] = [:]

  /// How often a batch that lost a race with a login is judged again.
  private static let attempts = 4

  /// Asks and stores a page, or as much of it as WeChat lets us.
  mutating func store(_ page: [IdentityToAsk]) async throws(DatabaseError) -> Outcome {
    try await learnClients(of: page)
    let outcomes = await ask(page)
    var findings: [Finding] = []
    var end = outcomes.endIndex
    var stop: Outcome?
    walk: for (index, identity) in page[..<end].enumerated() {
      switch outcomes[index] {
      case nil: continue
      case .found(let finding): findings.append(finding)
      case .limited(let pause, let errcode):
        (end, stop) = (index, .limited(pause, errcode: errcode))
        break walk
      case .away(let errcode):
        if isImpatient, findings.isEmpty {
          // It had its chances; the run goes on behind it.
          findings.append(Finding(identity: identity.id, answer: .none(.failed, errcode: errcode), token: .keep))
          (end, stop, isImpatient) = (index + 1, .stored, false)
        } else {
          (end, stop) = (index, .away(errcode: errcode))
        }
        break walk
      }
    }
    guard end > page.startIndex else { return stop ?? .stored }
    let identities = page[..<end].map(\.id)
    let isStored =
      if findings.isEmpty {
        try await !rows.run(StoreSilent(claim: claim, reached: reached, identities: Array(page[..<end]))).isEmpty
      } else {
        try await write(identities, findings)
      }
    guard isStored else { return .lost }
    reached = identities.last
    done += identities.count
    return stop ?? .stored
  }

  /// Reads the clients of those who can be asked: a directory may have any number, and a page hardly ever has more than a few.
  private mutating func learnClients(of page: [IdentityToAsk]) async throws(DatabaseError) {
    let named = Set(page.lazy.filter { $0.oauthTokenSealed != nil }.compactMap(\.client)).subtracting(clients.keys)
    guard !named.isEmpty else { return }
    for id in named { clients.updateValue(nil, forKey: id) }
    for client in try await rows.run(FindReconcileClients(clients: Array(named)), repeatable: true) {
      clients[client.id] = client
    }
  }

  private func write(_ identities: [UUID], _ findings: [Finding]) async throws(DatabaseError) -> Bool {
    var findings = findings
    for attempt in 1... {
      do {
        let store = StoreFindings(claim: claim, reached: reached, identities: identities, findings: findings)
        return try await !rows.run(store).isEmpty
      } catch .unique(constraint: "users_username_key") {
        // A name that somebody has gives way, as at a login.
        findings = findings.map(\.withoutUsername)
      } catch .unique(constraint: "unified_identities_pkey") where attempt < Self.attempts {
        continue
      } catch  where error.isRolledBack && attempt < Self.attempts {
        continue
      }
    }
    return false
  }

  /// Asks about those who can be asked, several at once; `nil` stands for the others. The answer ends before the first whom there
  /// was no time for; one is asked in any case.
  private func ask(_ page: [IdentityToAsk]) async -> [ProfileReader.Outcome?] {
    var outcomes = [ProfileReader.Outcome?](repeating: nil, count: page.count)
    await withTaskGroup(of: (Int, ProfileReader.Outcome).self) { group in
      var (asked, underWay, isStopped) = (0, 0, false)
      func take(_ answer: (Int, ProfileReader.Outcome)) {
        outcomes[answer.0] = answer.1
        underWay -= 1
        if case .found = answer.1 { return }
        isStopped = true
      }
      for (index, identity) in page.enumerated() {
        guard let sealed = identity.oauthTokenSealed, let client = identity.client.flatMap({ clients[$0] ?? nil })
        else {
          continue
        }
        while underWay >= concurrency, let answer = await group.next() { take(answer) }
        if asked > 0, ContinuousClock.now >= end {
          outcomes.removeSubrange(index...)
          break
        }
        // Whoever is not asked any more comes behind the one that stopped it, or is asked again next time.
        if isStopped {
          outcomes[index] = .away(errcode: nil)
          continue
        }
        asked += 1
        underWay += 1
        group.addTask { [reader] in (index, await reader.read(identity, sealed: sealed, client: client)) }
      }
      while let answer = await group.next() { take(answer) }
    }
    return outcomes
  }
}

extension Finding {
  /// The same without what would change the username.
  fileprivate var withoutUsername: Finding {
    guard case .profile(var patch, let unionid, let account, let raw) = answer else { return self }
    patch.username = ProfilePatch.Column()
    return Finding(
      identity: identity, answer: .profile(patch, unionid: unionid, openPlatformAccount: account, raw: raw),
      token: token)
  }
}

extension DatabaseError {
  /// True when the server rolled the batch back because of others: a dead-lock or a conflict (40001, 40P01).
  fileprivate var isRolledBack: Bool {
    if case .server(let state, _) = self { state.hasPrefix("40") } else { false }
  }
}
