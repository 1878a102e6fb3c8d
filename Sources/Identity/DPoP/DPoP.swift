import FoundationEssentials
import JSON
import OAuth
import Secrets

/// Checks the DPoP proofs of requests (RFC 9449).
///
/// ```
///  no header ─► none                         nonce ─► ours, at most ten minutes old ─► fresh
///  header ─► well-formed, fits the request ─┤         another ─► use_dpop_nonce
///                                           └ no nonce ─► iat within 60 s ─► fresh, else use_dpop_nonce
/// ```
///
/// A nonce is handed out with every answer to a proof and asked for where the clock of the client is off: then it says that the
/// proof is new, and `iat` is not looked at. A client whose clock is right never needs a second request.
public struct DPoP: Sendable {
  /// Seconds that `iat` may be off without a nonce.
  private static let skew = 60.0

  private let publicURL: String
  private let nonces: DPoPNonces
  private let now: @Sendable () -> Date

  /// Proofs for what lies under `publicURL` (no slash at its end).
  public init(publicURL: String, ring: KeyRing, now: @escaping @Sendable () -> Date) {
    self.publicURL = publicURL
    nonces = DPoPNonces(ring: ring)
    self.now = now
  }

  /// The algorithms of proofs, for the metadata and for challenges.
  public static var algorithms: [String] { PublicSigningKey.algorithms }

  /// The nonce to hand out now.
  public var nonce: String { nonces.nonce(at: now()) }

  /// The proof of a request; `nil` for one without.
  ///
  /// - Parameters:
  ///   - values: the values of the header field `DPoP`.
  ///   - path: the path that was asked, which the public URL stands in front of; no `Host` is believed.
  ///   - accessToken: the token that came with it, at a resource.
  /// - Throws: `invalid_dpop_proof`, `use_dpop_nonce`.
  public func proof(
    _ values: [String], method: String, path: String, accessToken: String? = nil
  ) throws(OAuthError) -> DPoPProof? {
    guard let text = values.first else { return nil }
    guard values.count == 1 else { throw Self.invalid("is there twice") }
    guard let uri = TargetURI(publicURL + path) else { throw Self.invalid("came for an address that has no URI") }
    let target = DPoPProof.Target(method: method, uri: uri, accessToken: accessToken)
    let (proof, claims): (DPoPProof, JSONObject)
    do {
      (proof, claims) = try DPoPProof.read(text, for: target)
    } catch {
      throw Self.invalid(error.text)
    }
    try checkTime(claims)
    return proof
  }

  private func checkTime(_ claims: JSONObject) throws(OAuthError) {
    let moment = now()
    let seconds = moment.timeIntervalSince1970
    guard let issuedAt = claims["iat"]?.seconds else { throw Self.invalid("must have its time in iat") }
    // RFC 7519 sections 4.1.4 and 4.1.5: nobody has to send them, and whoever does is taken at their word.
    if let expiry = claims["exp"] {
      guard let expiresAt = expiry.seconds, expiresAt > seconds - Self.skew else {
        throw Self.invalid("is past its exp")
      }
    }
    if let begin = claims["nbf"] {
      guard let notBefore = begin.seconds, notBefore < seconds + Self.skew else {
        throw Self.invalid("is before its nbf")
      }
    }
    if let nonce = claims["nonce"] {
      guard let nonce = nonce.string, nonces.isFresh(nonce, at: moment) else {
        throw OAuthError(.useDPoPNonce, "the nonce of the DPoP proof is stale: use the one in DPoP-Nonce")
      }
      return
    }
    guard abs(issuedAt - seconds) <= Self.skew else {
      throw OAuthError(.useDPoPNonce, "iat of the DPoP proof is not now: use the nonce in DPoP-Nonce")
    }
  }

  private static func invalid(_ what: String) -> OAuthError { OAuthError(.invalidDPoPProof, "the DPoP proof \(what)") }
}
