import Synchronization

/// One AppID's calls under way and its circuit breaker, so that an AppID in trouble cannot use up what others need.
final class Bulkheads: Sendable {
  private struct Bulkhead {
    var underWay = 0
    var breaker = CircuitBreaker()
  }

  /// Why no call is made.
  enum Refusal: Error {
    case busy
    case open
  }

  private let most: Int
  private let table = Mutex<[String: Bulkhead]>([:])

  /// At most `most` calls of one AppID at once.
  init(most: Int) {
    self.most = most
  }

  /// Takes a place for a call; give it back with `leave`.
  func enter(_ appID: String) throws(Refusal) {
    let refusal: Refusal? = table.withLock { table in
      var bulkhead = table[appID] ?? Bulkhead()
      guard bulkhead.underWay < most else { return .busy }
      guard bulkhead.breaker.admits(.now) else { return .open }
      bulkhead.underWay += 1
      table[appID] = bulkhead
      return nil
    }
    if let refusal { throw refusal }
  }

  /// Gives the place back; an AppID that is idle and healthy is forgotten, so the table stays small.
  func leave(_ appID: String, answered: Bool) {
    table.withLock { table in
      guard var bulkhead = table[appID] else { return }
      bulkhead.underWay -= 1
      bulkhead.breaker.note(answered: answered, .now)
      table[appID] = bulkhead.underWay == 0 && bulkhead.breaker.isIdle ? nil : bulkhead
    }
  }
}
