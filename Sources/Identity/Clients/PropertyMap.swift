import JSON
import Query
import Synchronization

/// How the profile that WeChat gives becomes the user's (contract: `property_map`).
public struct PropertyMap: Sendable, Equatable {
  /// When a rule writes.
  public enum When: String, Sendable, CaseIterable {
    /// At each login.
    case always
    /// Only where the user has no value yet.
    case ifEmpty = "if_empty"
  }

  /// One rule.
  public struct Rule: Sendable, Hashable {
    /// Names of WeChat's fields in order of preference; the first present wins.
    public let sources: [String]
    /// `username`, `name`, `picture` or `attributes.<name>`.
    public let target: String
    /// When it writes.
    public let when: When

    /// A rule.
    public init(sources: [String], target: String, when: When) {
      self.sources = sources
      self.target = target
      self.when = when
    }
  }

  /// The rules in order; of several with the same target the first that has a value counts.
  public let rules: [Rule]

  /// A map of rules.
  public init(_ rules: [Rule]) {
    self.rules = rules
  }

  /// The map of a client that names none.
  public static let standard = PropertyMap([
    Rule(sources: ["unionid", "openid"], target: "username", when: .ifEmpty),
    Rule(sources: ["nickname"], target: "name", when: .always),
    Rule(sources: ["headimgurl"], target: "picture", when: .always),
    Rule(sources: ["headimgurl"], target: "attributes.headimgurl", when: .always),
    Rule(sources: ["sex"], target: "attributes.sex", when: .always),
    Rule(sources: ["city"], target: "attributes.city", when: .always),
    Rule(sources: ["province"], target: "attributes.province", when: .always),
    Rule(sources: ["country"], target: "attributes.country", when: .always),
  ])

  /// The fields WeChat can give.
  public static let knownSources: Set<String> = [
    "openid", "unionid", "nickname", "headimgurl", "sex", "city", "province", "country", "language",
  ]

  /// Maps that were read, by their stored form: there are few, and each login reads one.
  private static let known = Mutex<[[UInt8]: PropertyMap]>([:])

  /// The map of a stored form, read once.
  static func of(stored: JSONText) -> PropertyMap {
    let text = Array(stored.utf8)
    if let map = known.withLock({ $0[text] }) { return map }
    let map = PropertyMap(stored: stored)
    known.withLock { maps in
      if maps.count >= 1000 { maps.removeAll(keepingCapacity: true) }
      maps[text] = map
    }
    return map
  }

  /// Reads the stored form; rules that are not of the form are left out, the API refuses them before they are stored.
  public init(stored: JSONText) {
    let values = (try? JSONValue(parsing: stored.utf8))?.array ?? []
    rules = values.compactMap { value in
      guard let object = value.object, let source = object["source"]?.string, let target = object["target"]?.string
      else { return nil }
      let when = object["when"]?.string.flatMap(When.init) ?? Self.defaultWhen(target)
      return Rule(sources: source.split(separator: "|").map(String.init), target: target, when: when)
    }
  }

  /// The `when` of a rule that names none.
  public static func defaultWhen(_ target: String) -> When {
    target == "username" ? .ifEmpty : .always
  }

  /// The stored form: `[{"source": "unionid|openid", "target": "username", "when": "if_empty"}, …]`.
  public var stored: JSONText {
    var json = JSONWriter()
    json.beginArray()
    for rule in rules {
      json.beginObject()
      json.member("source", rule.sources.joined(separator: "|"))
      json.member("target", rule.target)
      json.member("when", rule.when.rawValue)
      json.endObject()
    }
    json.endArray()
    return JSONText(utf8: json.bytes)
  }
}
