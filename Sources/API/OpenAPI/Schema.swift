import JSON

/// Schemas of the API document (JSON Schema 2020-12, as OpenAPI 3.1 takes it).
enum Schema {
  /// A string.
  static let text = type("string")
  /// A canonical UUID.
  static let id = type("string", format: "uuid")
  /// An RFC 3339 time.
  static let time = type("string", format: "date-time")
  /// `true` or `false`.
  static let boolean = type("boolean")
  /// A whole number.
  static let integer = type("integer")
  /// Any object.
  static let anyObject = type("object")
  /// Strings.
  static let texts = array(of: text)

  /// One of fixed words.
  static func words(_ words: [String]) -> JSONObject {
    var schema = text
    schema["enum"] = .array(words.map { .string($0) })
    return schema
  }

  /// An array.
  static func array(of element: JSONObject) -> JSONObject {
    var schema = type("array")
    schema["items"] = .object(element)
    return schema
  }

  /// The same, or `null`.
  static func nullable(_ schema: JSONObject) -> JSONObject {
    var schema = schema
    guard let type = schema["type"]?.string else { return schema }
    schema["type"] = .array([.string(type), .string("null")])
    return schema
  }

  /// An object with these members, all of them required unless named in `optional`.
  static func object(_ members: [(String, JSONObject)], optional: Set<String> = []) -> JSONObject {
    var schema = type("object")
    schema["properties"] = .object(JSONObject(members.map { (name: $0.0, value: .object($0.1)) }))
    let required = members.map(\.0).filter { !optional.contains($0) }
    if !required.isEmpty { schema["required"] = .array(required.map { .string($0) }) }
    return schema
  }

  /// A schema of the components.
  static func reference(_ name: String) -> JSONObject {
    JSONObject([("$ref", .string("#/components/schemas/\(name)"))])
  }

  private static func type(_ name: String, format: String? = nil) -> JSONObject {
    var schema = JSONObject([("type", .string(name))])
    if let format { schema["format"] = .string(format) }
    return schema
  }
}
