import Identity
import JSON

/// Reads the fields of one object and collects every fault on the way.
///
/// After a fault reading goes on with a placeholder. That is safe because only `JSONBody.read` and `QueryParameters.read` hand out
/// what was read, and they throw when there was a fault.
public struct FieldReader {
  private let object: JSONObject
  private let base: String
  private var known: [(name: String, schema: JSONObject, isRequired: Bool)] = []
  /// What was wrong so far.
  public private(set) var faults: [Problem.FieldFault] = []
  private var isDescribing = false

  /// FieldReader of `object`; `base` is what their pointers begin with.
  init(_ object: JSONObject, at base: String = "/") {
    self.object = object
    self.base = base
  }

  /// A field that must be there and not `null`.
  public mutating func required<Value>(_ name: String, _ type: FieldType<Value>) -> Value {
    note(name, type.schema, required: true)
    guard let value = object[name] else {
      fault(name, "is required")
      return type.placeholder
    }
    return read(value, name, type) ?? type.placeholder
  }

  /// A field that may be absent or `null`.
  public mutating func optional<Value>(_ name: String, _ type: FieldType<Value>) -> Value? {
    note(name, Self.nullable(type.schema), required: false)
    guard let value = object[name], value != .null else { return nil }
    return read(value, name, type)
  }

  /// A field that may be absent, but not `null`.
  public mutating func optional<Value>(_ name: String, _ type: FieldType<Value>, default value: Value) -> Value {
    note(name, type.schema, required: false)
    guard let given = object[name] else { return value }
    return read(given, name, type) ?? type.placeholder
  }

  /// A field of a patch that cannot be emptied: `nil` leaves it.
  public mutating func replacement<Value>(_ name: String, _ type: FieldType<Value>) -> Value? {
    note(name, type.schema, required: false)
    guard let value = object[name] else { return nil }
    return read(value, name, type)
  }

  /// A field of a patch that `null` empties.
  public mutating func change<Value>(_ name: String, _ type: FieldType<Value>) -> FieldChange<Value> {
    note(name, Self.nullable(type.schema), required: false)
    guard let value = object[name] else { return .keep }
    guard value != .null else { return .clear }
    return read(value, name, type).map { .set($0) } ?? .keep
  }

  /// True when the field is there, `null` too.
  public func has(_ name: String) -> Bool { object[name] != nil }

  /// True when a fault of the field, or of a part of it, is known.
  func isFaulty(_ name: String) -> Bool {
    let pointer = Self.pointer(base, name.split(separator: "/").first.map(String.init) ?? name)
    return faults.contains { $0.pointer == pointer || $0.pointer.hasPrefix(pointer + "/") }
  }

  /// Adds a fault that concerns several fields; `name` may go on with `/` and the index of an element.
  public mutating func fault(_ name: String, _ detail: String) {
    faults.append(Problem.FieldFault(base + name, detail))
  }

  /// Adds a fault for each field nobody asked for.
  mutating func refuseTheRest() {
    // Of a body with a hundred thousand unknown members not all have to be named.
    for (name, _) in object.members.prefix(known.count + 50) where !known.contains(where: { $0.name == name }) {
      faults.append(Problem.FieldFault(Self.pointer(base, name), "is not a field here"))
    }
  }

  /// The JSON Schema of what `read` reads, found by letting it read nothing.
  static func schema<Value>(of read: (inout FieldReader) -> Value) -> JSONObject {
    var fields = FieldReader(JSONObject())
    fields.isDescribing = true
    _ = read(&fields)
    let properties = JSONObject(fields.known.map { (name: $0.name, value: JSONValue.object($0.schema)) })
    var schema = JSONObject([("type", .string("object")), ("properties", .object(properties))])
    let required = fields.known.filter(\.isRequired).map { JSONValue.string($0.name) }
    if !required.isEmpty { schema["required"] = .array(required) }
    schema["additionalProperties"] = .boolean(false)
    return schema
  }

  private mutating func read<Value>(_ value: JSONValue, _ name: String, _ type: FieldType<Value>) -> Value? {
    type.read(value, Self.pointer(base, name), &faults)
  }

  private mutating func note(_ name: String, _ schema: JSONObject, required: Bool) {
    known.append((name, isDescribing ? schema : JSONObject(), required))
  }

  private static func nullable(_ schema: JSONObject) -> JSONObject {
    guard let type = schema["type"]?.string else { return schema }
    var schema = schema
    schema["type"] = .array([.string(type), .string("null")])
    if let words = schema["enum"]?.array { schema["enum"] = .array(words + [.null]) }
    return schema
  }

  /// RFC 6901 section 3: `~` and `/` in a name are escaped.
  private static func pointer(_ base: String, _ name: String) -> String {
    var pointer = base
    for character in name.unicodeScalars {
      switch character {
      case "~": pointer += "~0"
      case "/": pointer += "~1"
      default: pointer.unicodeScalars.append(character)
      }
    }
    return pointer
  }
}
