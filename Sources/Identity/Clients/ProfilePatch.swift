import JSON
import Query

/// What a property map makes of one person's fields: two values a target, so that one UPDATE applies it without reading first.
public struct ProfilePatch: Sendable, Equatable {
  /// Values of one column.
  public struct Column: Sendable, Equatable {
    /// Replaces what is there.
    public var always: String?
    /// Stands in where nothing is there.
    public var ifEmpty: String?
  }

  /// For `username`.
  public var username = Column()
  /// For `name`.
  public var name = Column()
  /// For `picture`.
  public var picture = Column()
  /// Attributes that replace.
  public var attributesAlways = JSONText("{}")
  /// Attributes that stand in.
  public var attributesIfEmpty = JSONText("{}")

  /// A patch that changes nothing.
  public init() {}

  /// Applies `map` to the fields WeChat gave, by WeChat's names.
  ///
  /// A field that is absent, empty or anonymous ("微信用户", sex 0) never counts, so it never overwrites a real value.
  public init(_ map: PropertyMap, fields: [String: String]) {
    var always = JSONObject()
    var ifEmpty = JSONObject()
    for rule in map.rules {
      guard let value = rule.sources.lazy.compactMap({ Self.real(fields[$0], field: $0) }).first else { continue }
      switch rule.target {
      case "username": username.take(value.cut(to: 200), rule.when)
      case "name": name.take(value.cut(to: 500), rule.when)
      case "picture": picture.take(value.cut(to: 2048), rule.when)
      default:
        guard rule.target.hasPrefix("attributes.") else { continue }
        let attribute = String(rule.target.dropFirst("attributes.".count))
        let json = Self.json(value, field: rule.sources.first ?? "")
        if rule.when == .always {
          if always[attribute] == nil { always[attribute] = json }
        } else if ifEmpty[attribute] == nil {
          ifEmpty[attribute] = json
        }
      }
    }
    if !always.members.isEmpty { attributesAlways = JSONText(utf8: JSONValue.object(always).text) }
    if !ifEmpty.members.isEmpty { attributesIfEmpty = JSONText(utf8: JSONValue.object(ifEmpty).text) }
  }

  private static func real(_ value: String?, field: String) -> String? {
    guard let value, !value.isEmpty else { return nil }
    if field == "nickname", value == "微信用户" { return nil }
    if field == "sex", value == "0" { return nil }
    return value
  }

  private static func json(_ value: String, field: String) -> JSONValue {
    field == "sex" && Int(value) != nil ? .number(value) : .string(value)
  }
}

extension String {
  /// As much of the beginning as has at most `limit` code points, which is what PostgreSQL's `length` counts, without tearing a
  /// character that is made of several, such as the emoji of a family.
  fileprivate func cut(to limit: Int) -> String {
    guard unicodeScalars.count > limit else { return self }
    var room = limit
    return String(
      prefix { character in
        room -= character.unicodeScalars.count
        return room >= 0
      })
  }
}

extension ProfilePatch.Column {
  fileprivate mutating func take(_ value: String, _ when: PropertyMap.When) {
    switch when {
    case .always: always = always ?? value
    case .ifEmpty: ifEmpty = ifEmpty ?? value
    }
  }
}
