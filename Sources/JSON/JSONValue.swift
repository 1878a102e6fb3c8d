/// A JSON value as it was written (RFC 8259).
public enum JSONValue: Sendable, Equatable {
  /// `null`
  case null
  /// `true` or `false`
  case boolean(Bool)
  /// A number, in the spelling it came in.
  case number(String)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object; every name stands once.
  case object(JSONObject)

  /// The string, if it is one.
  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The whole number, if it is one that fits and was written without fraction or exponent.
  public var integer: Int? {
    if case .number(let text) = self { Int(text) } else { nil }
  }

  /// The truth value, if it is one.
  public var boolean: Bool? {
    if case .boolean(let value) = self { value } else { nil }
  }

  /// The object, if it is one.
  public var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The elements, if it is an array.
  public var array: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  /// The JSON text, UTF-8, without white space.
  public var text: [UInt8] {
    var writer = JSONWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Writes the value.
  public func write(to writer: inout JSONWriter) {
    switch self {
    case .null: writer.null()
    case .boolean(let value): writer.boolean(value)
    case .number(let text): writer.raw(text.utf8)
    case .string(let value): writer.string(value)
    case .array(let values):
      writer.beginArray()
      for value in values { value.write(to: &writer) }
      writer.endArray()
    case .object(let object):
      writer.beginObject()
      for (name, value) in object.members {
        writer.key(name)
        value.write(to: &writer)
      }
      writer.endObject()
    }
  }
}

/// The members of an object in the order they were written.
public struct JSONObject: Sendable, Equatable {
  /// Names and values; every name stands once.
  public private(set) var members: [(name: String, value: JSONValue)]
  private var places: [String: Int]

  /// An object; of members with the same name the last counts.
  public init(_ members: [(name: String, value: JSONValue)] = []) {
    self.members = []
    places = [:]
    for (name, value) in members { self[name] = value }
  }

  /// The value of a member; `nil` when it is absent, which is not the same as `null`.
  public subscript(name: String) -> JSONValue? {
    get { places[name].map { members[$0].value } }
    set {
      guard let newValue else {
        members.removeAll { $0.name == name }
        places = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1.name, $0) })
        return
      }
      if let place = places[name] {
        members[place].value = newValue
      } else {
        places[name] = members.count
        members.append((name, newValue))
      }
    }
  }

  /// Same names with the same values, in any order.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
  }
}
