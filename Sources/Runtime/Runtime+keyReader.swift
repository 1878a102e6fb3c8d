import EventLoop
import Identity
import Observability
import Outbound

extension Runtime {
  /// How long a client's `jwks_uri` may take: somebody's token request waits for it.
  private static let keyDeadline = Duration.seconds(3)
  /// The largest key set that is read, in bytes.
  private static let mostKeyBytes = 1 << 16

  /// Reads what clients publish at their `jwks_uri`: public addresses only, and loopback outside production.
  static func keyReader(_ loop: EventLoop, isProduction: Bool) -> ClientKeySets.Read {
    let http = HTTPClient(
      loop: loop, reach: isProduction ? .publicOnly : .publicOrLoopback, mostBytes: mostKeyBytes)
    return { uri in
      let request = HTTPRequest("GET", Secret(uri), headers: [("Accept", "application/jwk-set+json, application/json")])
      guard let answer = try? await http.send(request, deadline: keyDeadline), answer.status == 200 else { return nil }
      return answer.body
    }
  }
}
