import Secrets

/// How refresh tokens follow each other: each secret is made from the one before under the first key of the ring.
///
/// A family lives longer than the order of the ring. After a rotation the newer steps were made with another key than the older
/// ones, and while servers restart one by one both are made at once; so every key recognises.
struct RefreshSuccession: Sendable {
  /// Genuine tokens further back than this are refused without ending the family: walking forward has a price.
  private static let longestWalk = 4096
  /// Steps one question may cost in all, where there are several keys: some 30 ms.
  private static let budget = 16_384
  /// How often the key changes on the way, at most: with each change the ways become many.
  private static let mostChanges = 3

  /// The first makes, all recognise.
  let keys: [[UInt8]]

  /// The token after `token`.
  func next(_ token: RefreshToken) -> RefreshToken { token.successor(key: keys[0]) }

  /// The token after `token` whose secret has this hash; `nil` when no key makes it.
  func next(_ token: RefreshToken, of hash: [UInt8]) -> RefreshToken? {
    keys.lazy.map { token.successor(key: $0) }.first { Digest.equal($0.hash, hash) }
  }

  /// True when walking forward from `token` arrives at the secret of this hash.
  func leads(from token: RefreshToken, to generation: Int, of hash: [UInt8]) -> Bool {
    let distance = generation - token.generation
    guard distance > 0, distance <= Self.longestWalk else { return false }
    var budget = Self.budget
    let most = keys.count > 1 ? min(Self.mostChanges, distance - 1) : 0
    return (0...most).contains { changes in
      keys.indices.contains {
        arrives(from: token, steps: distance, key: $0, changes: changes, at: hash, budget: &budget)
      }
    }
  }

  /// - Parameters:
  ///   - key: of the first step.
  ///   - changes: how often the key changes afterwards, exactly.
  private func arrives(
    from token: RefreshToken, steps: Int, key: Int, changes: Int, at hash: [UInt8], budget: inout Int
  ) -> Bool {
    var walker = token
    for left in stride(from: steps, to: 0, by: -1) {
      guard budget > 0 else { return false }
      budget -= 1
      walker = walker.successor(key: keys[key])
      guard changes > 0, left > changes else { continue }
      for other in keys.indices where other != key {
        let isThere = arrives(
          from: walker, steps: left - 1, key: other, changes: changes - 1, at: hash, budget: &budget)
        if isThere { return true }
      }
    }
    return changes == 0 && Digest.equal(walker.hash, hash)
  }
}
