import Synchronization

/// Token buckets by key, in bounded memory: `burst` requests at once, `perSecond` on average.
///
/// Per process: behind a balancer the limit of the service is the limit of a node times the nodes.
public final class RateLimiter: Sendable {
  /// How much is allowed.
  public struct Limit: Sendable, Equatable {
    /// Tokens that come back each second.
    public let perSecond: Double
    /// The most that can be saved.
    public let burst: Double

    /// A limit; both must be positive.
    public init(perSecond: Double, burst: Double) {
      precondition(perSecond > 0 && burst >= 1, "a rate limit must allow something")
      self.perSecond = perSecond
      self.burst = burst
    }
  }

  private struct Bucket {
    var tokens: Double
    var at: ContinuousClock.Instant
  }

  private let limit: Limit
  private let capacity: Int
  private let buckets = Mutex<[String: Bucket]>([:])

  /// A limiter that remembers at most `capacity` keys.
  public init(_ limit: Limit, capacity: Int = 50_000) {
    self.limit = limit
    self.capacity = capacity
  }

  /// Takes one token of `key`.
  /// - Returns: `nil` when there was one, else the whole seconds until there is.
  public func take(_ key: String, now: ContinuousClock.Instant = .now) -> Int? {
    buckets.withLock { buckets in
      if buckets.count >= capacity, buckets[key] == nil { makeRoom(&buckets, now) }
      let bucket = buckets[key] ?? Bucket(tokens: limit.burst, at: now)
      let tokens = filled(bucket, now)
      guard tokens >= 1 else {
        buckets[key] = Bucket(tokens: tokens, at: now)
        return max(1, Int(((1 - tokens) / limit.perSecond).rounded(.up)))
      }
      buckets[key] = Bucket(tokens: tokens - 1, at: now)
      return nil
    }
  }

  /// Full buckets say nothing and go first. When all are in use, everything is forgotten: a flood of keys may then pass
  /// once, but memory stays bounded and nobody is locked out by others.
  private func makeRoom(_ buckets: inout [String: Bucket], _ now: ContinuousClock.Instant) {
    buckets = buckets.filter { filled($0.value, now) < limit.burst }
    if buckets.count >= capacity { buckets.removeAll(keepingCapacity: true) }
  }

  private func filled(_ bucket: Bucket, _ now: ContinuousClock.Instant) -> Double {
    let passed = bucket.at.duration(to: now) / .seconds(1)
    return min(limit.burst, bucket.tokens + max(0, passed) * limit.perSecond)
  }
}
