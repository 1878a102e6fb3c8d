import FoundationEssentials
import JSON
import OAuth
import Secrets

/// A DPoP proof whose signature and claims fit the request it came with (RFC 9449 section 4.3).
///
/// It proves something once: `RecordProof` in the batch of what it stands for says whether it is new.
public struct DPoPProof: Sendable, Equatable {
  /// The `jkt`: the thumbprint of the key that signed.
  public let thumbprint: String
  /// What it is remembered by: a hash over key and `jti`.
  let hash: [UInt8]

  /// What a proof must fit.
  struct Target {
    let method: String
    let uri: TargetURI
    /// The access token that it comes with, at a resource.
    let accessToken: String?
  }

  /// Reads a proof, but for its time, its nonce and whether it was used.
  /// - Throws: what is wrong with it, in a few words.
  static func read(_ text: String, for target: Target) throws(Fault) -> (proof: DPoPProof, claims: JSONObject) {
    guard let jws = CompactJWS(text) else { throw Fault("is not one compact JWS of at most 8 KiB") }
    guard jws.header["typ"]?.string == "dpop+jwt" else { throw Fault("must have the typ dpop+jwt") }
    guard let algorithm = jws.header["alg"]?.string, PublicSigningKey.algorithms.contains(algorithm) else {
      throw Fault("must be signed with one of \(PublicSigningKey.algorithms.joined(separator: ", "))")
    }
    guard let jwk = jws.header["jwk"]?.object, let key = PublicSigningKey(jwk),
      let thumbprint = PublicSigningKey.thumbprint(jwk)
    else { throw Fault("must carry its public key, and nothing private, in jwk") }
    guard key.verifies(jws) else { throw Fault("is not signed by the key in its jwk") }
    guard let claims = jws.claims else { throw Fault("has no claims set") }
    guard let id = claims["jti"]?.string, (1...512).contains(id.utf8.count) else { throw Fault("must have a jti") }
    guard claims["htm"]?.string == target.method else { throw Fault("must name the method in htm") }
    guard let uri = claims["htu"]?.string, TargetURI(uri) == target.uri else {
      throw Fault("must name \(target.uri.text) in htu")
    }
    if let token = target.accessToken {
      guard claims["ath"]?.string == Base64URL.string(Digest.sha256(token.utf8)) else {
        throw Fault("must have the hash of the access token in ath")
      }
    }
    let hash = Digest.sha256(Array("\(thumbprint) ".utf8) + Array(id.utf8))
    return (DPoPProof(thumbprint: thumbprint, hash: hash), claims)
  }

  /// What is wrong with a proof.
  struct Fault: Error {
    let text: String
    init(_ text: String) { self.text = text }
  }
}
