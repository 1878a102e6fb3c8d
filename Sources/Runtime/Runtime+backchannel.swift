import FoundationEssentials
import Identity
import Observability
import Outbound
import Tenancy

extension Runtime {
  /// Tells relying parties of ended sessions; `heartbeat` renews the leases.
  public func backchannelLogouts(heartbeat: Database) -> BackchannelLogoutWork {
    let keys = SigningKeyCache(ring: settings.masterKeys)
    // Tenants write the addresses: nothing inside our own network is reached through one.
    let http = HTTPClient(
      loop: loop, reach: settings.isProduction ? .publicOnly : .publicOrLoopback, mostBytes: 64 << 10)
    return BackchannelLogoutWork(
      database: Database(pool: pool), heartbeat: heartbeat,
      tokens: LogoutTokens(issuer: TokenIssuer(publicURL: settings.publicURL, keys: keys), keys: keys), now: now
    ) { address, form in
      // libcurl's own repetition could bring a token twice; ours comes later and counts.
      let request = HTTPRequest(
        "POST", Secret(address), headers: [("Content-Type", "application/x-www-form-urlencoded")], body: form,
        isRepeatable: false)
      do throws(HTTPFailure) {
        return .status(try await http.send(request, deadline: .seconds(5)).status)
      } catch {
        return .none(error.kind)
      }
    }
  }
}

extension HTTPFailure {
  /// What a tenant may read of it: the kind alone, because details may tell of our network.
  fileprivate var kind: String {
    switch self {
    case .timeout: "no answer in time"
    case .notConnected: "no connection"
    case .interrupted: "the connection broke"
    case .tooLarge: "the answer is too large"
    case .refusedAddress: "the address is not a public one"
    case .invalidURL, .invalidRequest: "the address cannot be used"
    case .cancelled: "stopped"
    }
  }
}
