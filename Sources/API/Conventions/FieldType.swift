import JSON

/// What a field may hold: how its value is read, what stands in after a fault, and how the API document describes it.
///
/// ```swift
/// let name = fields.required("name", .text(1...200))
/// let ttl = fields.optional("id_token_ttl", .integer(5...31_536_000), default: 3600)
/// ```
public struct FieldType<Value: Sendable>: Sendable {
  /// Returns the value or adds faults below `pointer`.
  let read: @Sendable (_ value: JSONValue, _ pointer: String, _ faults: inout [Problem.FieldFault]) -> Value?
  /// Stands in after a fault, so that reading can go on and find all faults; it never leaves the reader.
  let placeholder: Value
  /// Keywords of JSON Schema 2020-12.
  let schema: JSONObject

  /// A type that reads with `read`.
  public init(
    placeholder: Value, schema: JSONObject,
    read: @escaping @Sendable (_ value: JSONValue, _ pointer: String, _ faults: inout [Problem.FieldFault]) -> Value?
  ) {
    self.read = read
    self.placeholder = placeholder
    self.schema = schema
  }

  /// A type of values that `convert` makes of strings; `detail` is what a refused one is told.
  public static func converted<Other: Sendable>(
    from type: FieldType<Other>, placeholder: Value, format: String? = nil, detail: String,
    _ convert: @escaping @Sendable (Other) -> Value?
  ) -> FieldType {
    var schema = type.schema
    if let format { schema["format"] = .string(format) }
    return FieldType(placeholder: placeholder, schema: schema) { value, pointer, faults in
      guard let raw = type.read(value, pointer, &faults) else { return nil }
      guard let converted = convert(raw) else {
        faults.append(Problem.FieldFault(pointer, detail))
        return nil
      }
      return converted
    }
  }

  /// The same with a further rule; `detail` is what a refused value is told.
  public func constrained(_ detail: String, _ holds: @escaping @Sendable (Value) -> Bool) -> FieldType {
    .converted(from: self, placeholder: placeholder, detail: detail) { holds($0) ? $0 : nil }
  }
}

extension FieldType where Value == String {
  /// Text of so many characters without control characters.
  public static func text(_ length: ClosedRange<Int>) -> FieldType {
    let schema = JSONObject([
      ("type", .string("string")), ("minLength", .number(String(length.lowerBound))),
      ("maxLength", .number(String(length.upperBound))),
    ])
    return FieldType(placeholder: "", schema: schema) { value, pointer, faults in
      guard let text = value.string else {
        faults.append(Problem.FieldFault(pointer, "must be a string"))
        return nil
      }
      // PostgreSQL's length() counts Unicode scalars, not grapheme clusters; so do we, and both agree on the limit.
      guard length.contains(text.unicodeScalars.count) else {
        faults.append(
          Problem.FieldFault(pointer, "must have \(length.lowerBound) to \(length.upperBound) characters"))
        return nil
      }
      guard !text.unicodeScalars.contains(where: Self.isControl) else {
        faults.append(Problem.FieldFault(pointer, "must not hold control characters"))
        return nil
      }
      return text
    }
  }

  /// The category Cc of Unicode, whose members are fixed: asking for the category searches a table for each character.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
  }

  /// A word that stands in addresses: lower-case letters, digits and inner hyphens, at most 63 characters.
  public static var slug: FieldType {
    var type = FieldType.text(1...63).constrained("must be a-z, 0-9 and inner hyphens") { text in
      text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
        && !text.hasPrefix("-") && !text.hasSuffix("-")
    }
    type = type.described("pattern", .string("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))
    return type
  }
}

extension FieldType where Value == Bool {
  /// `true` or `false`
  public static var boolean: FieldType {
    FieldType(placeholder: false, schema: JSONObject([("type", .string("boolean"))])) { value, pointer, faults in
      if value.boolean == nil { faults.append(Problem.FieldFault(pointer, "must be true or false")) }
      return value.boolean
    }
  }
}

extension FieldType where Value == Int {
  /// A whole number in a range, written without fraction or exponent.
  public static func integer(_ range: ClosedRange<Int>) -> FieldType {
    let schema = JSONObject([
      ("type", .string("integer")), ("minimum", .number(String(range.lowerBound))),
      ("maximum", .number(String(range.upperBound))),
    ])
    return FieldType(placeholder: range.lowerBound, schema: schema) { value, pointer, faults in
      guard let number = value.integer, range.contains(number) else {
        let detail = "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
        faults.append(Problem.FieldFault(pointer, detail))
        return nil
      }
      return number
    }
  }
}

extension FieldType where Value == JSONObject {
  /// An object with any members, of at most `limit` bytes as text.
  public static func object(limit: Int = 16_384) -> FieldType {
    FieldType(placeholder: JSONObject(), schema: JSONObject([("type", .string("object"))])) { value, pointer, faults in
      guard let object = value.object else {
        faults.append(Problem.FieldFault(pointer, "must be an object"))
        return nil
      }
      guard value.text.count <= limit else {
        faults.append(Problem.FieldFault(pointer, "must have at most \(limit) bytes as JSON text"))
        return nil
      }
      return object
    }
  }

  /// An object that `read` reads field by field.
  public static func fields<Other: Sendable>(
    placeholder: Other, _ read: @escaping @Sendable (inout FieldReader) -> Other
  ) -> FieldType<Other> {
    FieldType<Other>(placeholder: placeholder, schema: FieldReader.schema(of: read)) { value, pointer, faults in
      guard let object = value.object else {
        faults.append(Problem.FieldFault(pointer, "must be an object"))
        return nil
      }
      var fields = FieldReader(object, at: pointer + "/")
      let result = read(&fields)
      fields.refuseTheRest()
      faults += fields.faults
      return fields.faults.isEmpty ? result : nil
    }
  }
}

extension FieldType {
  /// An array of elements of one type, each at most once if `unique`.
  public static func array<Element: Sendable & Hashable>(
    of element: FieldType<Element>, count: ClosedRange<Int>, unique: Bool = true
  ) -> FieldType where Value == [Element] {
    let schema = JSONObject([
      ("type", .string("array")), ("items", .object(element.schema)),
      ("minItems", .number(String(count.lowerBound))), ("maxItems", .number(String(count.upperBound))),
      ("uniqueItems", .boolean(unique)),
    ])
    return FieldType(placeholder: [], schema: schema) { value, pointer, faults in
      guard let values = value.array else {
        faults.append(Problem.FieldFault(pointer, "must be an array"))
        return nil
      }
      guard count.contains(values.count) else {
        faults.append(Problem.FieldFault(pointer, "must have \(count.lowerBound) to \(count.upperBound) elements"))
        return nil
      }
      let before = faults.count
      var elements: [Element] = []
      var seen: Set<Element> = []
      for (index, value) in values.enumerated() {
        guard let read = element.read(value, "\(pointer)/\(index)", &faults) else { continue }
        if unique, !seen.insert(read).inserted {
          faults.append(Problem.FieldFault("\(pointer)/\(index)", "stands twice"))
        }
        elements.append(read)
      }
      return faults.count == before ? elements : nil
    }
  }

  /// The same with one more keyword in the API document.
  public func described(_ keyword: String, _ value: JSONValue) -> FieldType {
    var schema = schema
    schema[keyword] = value
    return FieldType(placeholder: placeholder, schema: schema, read: read)
  }
}
