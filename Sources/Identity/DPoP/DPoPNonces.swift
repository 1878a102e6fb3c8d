import FoundationEssentials
import Secrets

/// Nonces that tie proofs to a time that the server knows (RFC 9449 sections 8 and 9): an HMAC over a slot of five minutes, so that
/// every node knows every node's nonces and nothing is stored. One is good in its own slot and in the next.
struct DPoPNonces: Sendable {
  private static let slotSeconds = 300.0

  private let keys: [[UInt8]]

  /// Nonces with keys derived from `ring`: the first makes, all recognise.
  init(ring: KeyRing) { keys = ring.derivedKeys("dpop nonce") }

  /// The nonce of a moment.
  func nonce(at moment: Date) -> String { Self.text(Self.slot(moment), keys[0]) }

  /// True for the nonce of this slot and of the one before.
  func isFresh(_ nonce: String, at moment: Date) -> Bool {
    let slot = Self.slot(moment)
    let given = Array(nonce.utf8)
    return keys.contains { key in
      Digest.equal(given, Array(Self.text(slot, key).utf8)) || Digest.equal(given, Array(Self.text(slot - 1, key).utf8))
    }
  }

  private static func slot(_ moment: Date) -> Int { Int((moment.timeIntervalSince1970 / slotSeconds).rounded(.down)) }

  private static func text(_ slot: Int, _ key: [UInt8]) -> String {
    Base64URL.string(Digest.hmac(Array("\(slot)".utf8), key: key)[..<18])
  }
}
