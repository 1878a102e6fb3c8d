import FoundationEssentials
import Secrets

/// Nonces that tie proofs to a time that the server knows (RFC 9449 sections 8 and 9): an HMAC over a slot of five minutes, so that
/// every node knows every node's nonces and nothing is stored. One is good in its own slot and in the next.
struct DPoPNonces: Sendable {
  private static let slotSeconds = 300.0

  private let key: [UInt8]

  /// Nonces with a key derived from `ring`; those of another first master key are stale.
  init(ring: KeyRing) { key = ring.derivedKey("dpop nonce") }

  /// The nonce of a moment.
  func nonce(at moment: Date) -> String { text(Self.slot(moment)) }

  /// True for the nonce of this slot and of the one before.
  func isFresh(_ nonce: String, at moment: Date) -> Bool {
    let slot = Self.slot(moment)
    let given = Array(nonce.utf8)
    return Digest.equal(given, Array(text(slot).utf8)) || Digest.equal(given, Array(text(slot - 1).utf8))
  }

  private static func slot(_ moment: Date) -> Int { Int((moment.timeIntervalSince1970 / slotSeconds).rounded(.down)) }

  private func text(_ slot: Int) -> String { Base64URL.string(Digest.hmac(Array("\(slot)".utf8), key: key)[..<18]) }
}
