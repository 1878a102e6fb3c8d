import Synchronization

/// Counters, gauges and histograms in Prometheus' text form (exposition format 0.0.4).
///
/// Labels hold route templates, statuses and WeChat's errcodes: never a tenant, a user or a path as it came, so the number of
/// series is bounded by the program.
public final class Metrics: Sendable {
  /// A series: the values of the labels, in the order of their names.
  private typealias Labels = [String]

  private struct Family {
    let kind: Kind
    let help: String
    let labels: [String]
    var values: [Labels: Double] = [:]
    var histograms: [Labels: Histogram] = [:]
  }

  private struct Histogram {
    var buckets: [UInt64]
    var sum = 0.0
    var count: UInt64 = 0
  }

  private enum Kind: String {
    case counter, gauge, histogram
  }

  /// Upper bounds of the buckets of a duration, in seconds.
  public static let durations = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

  private let families = Mutex<[String: Family]>([:])
  private let collectors = Mutex<[@Sendable (Metrics) -> Void]>([])

  /// An empty registry.
  public init() {}

  /// Declares a counter; its series appear with their first value.
  public func declareCounter(_ name: String, _ help: String, labels: [String] = []) {
    declare(name, Family(kind: .counter, help: help, labels: labels))
  }

  /// Declares a gauge.
  public func declareGauge(_ name: String, _ help: String, labels: [String] = []) {
    declare(name, Family(kind: .gauge, help: help, labels: labels))
  }

  /// Declares a histogram of seconds.
  public func declareHistogram(_ name: String, _ help: String, labels: [String] = []) {
    declare(name, Family(kind: .histogram, help: help, labels: labels))
  }

  /// Adds to a counter.
  public func add(_ name: String, _ labels: [String] = [], by amount: Double = 1) {
    families.withLock { $0[name]?.values[labels, default: 0] += amount }
  }

  /// Sets a gauge.
  public func set(_ name: String, _ labels: [String] = [], to value: Double) {
    families.withLock { $0[name]?.values[labels] = value }
  }

  /// Notes a duration.
  public func observe(_ name: String, _ labels: [String] = [], _ duration: Duration) {
    let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    families.withLock { families in
      var histogram =
        families[name]?.histograms.removeValue(forKey: labels)
        ?? Histogram(buckets: Array(repeating: 0, count: Self.durations.count))
      for (index, bound) in Self.durations.enumerated() where seconds <= bound { histogram.buckets[index] += 1 }
      histogram.sum += seconds
      histogram.count += 1
      families[name]?.histograms[labels] = histogram
    }
  }

  /// Registers what sets gauges just before each reading.
  public func collect(_ collector: @escaping @Sendable (Metrics) -> Void) {
    collectors.withLock { $0.append(collector) }
  }

  /// The text of all series.
  public func exposition() -> String {
    for collector in collectors.withLock({ $0 }) { collector(self) }
    let families = families.withLock { $0 }
    var text = ""
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind.rawValue)\n"
      for (labels, value) in family.values.sorted(by: { $0.key.joined() < $1.key.joined() }) {
        text += "\(name)\(Self.braces(family.labels, labels)) \(Self.number(value))\n"
      }
      for (labels, histogram) in family.histograms.sorted(by: { $0.key.joined() < $1.key.joined() }) {
        for (bound, count) in zip(Self.durations, histogram.buckets) {
          text += "\(name)_bucket\(Self.braces(family.labels + ["le"], labels + [Self.number(bound)])) \(count)\n"
        }
        text += "\(name)_bucket\(Self.braces(family.labels + ["le"], labels + ["+Inf"])) \(histogram.count)\n"
        text += "\(name)_sum\(Self.braces(family.labels, labels)) \(histogram.sum)\n"
        text += "\(name)_count\(Self.braces(family.labels, labels)) \(histogram.count)\n"
      }
    }
    return text
  }

  private func declare(_ name: String, _ family: Family) {
    families.withLock { families in
      if families[name] == nil { families[name] = family }
    }
  }

  private static func braces(_ names: [String], _ values: [String]) -> String {
    guard !names.isEmpty else { return "" }
    return "{" + zip(names, values).map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",") + "}"
  }

  private static func escaped(_ value: String) -> String {
    var text = ""
    for character in value {
      switch character {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.append(character)
      }
    }
    return text
  }

  private static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
  }
}
