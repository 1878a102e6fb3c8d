import JSON

/// Reads the members of a control body; what nobody asked for is refused.
struct ControlFields {
  private let object: JSONObject
  private var known: Set<String> = []

  init(_ object: JSONObject) { self.object = object }

  func contains(_ name: String) -> Bool { object[name] != nil }

  mutating func string(_ name: String) throws -> String? { try read(name, "a string", \.string) }
  mutating func object(_ name: String) throws -> JSONObject? { try read(name, "an object", \.object) }
  mutating func integer(_ name: String) throws -> Int? { try read(name, "a whole number", \.integer) }
  mutating func boolean(_ name: String) throws -> Bool? { try read(name, "true or false", \.boolean) }

  mutating func strings(_ name: String) throws -> [String]? {
    guard let values = try read(name, "an array of strings", \.array) else { return nil }
    let texts = values.compactMap(\.string)
    guard texts.count == values.count else {
      throw ControlError(status: .unprocessableContent, message: "\(name) must be an array of strings")
    }
    return texts
  }

  mutating func choice<Choice: CaseIterable & RawRepresentable>(
    _ name: String, _ type: Choice.Type
  ) throws -> Choice? where Choice.RawValue == String {
    guard let text = try string(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw ControlError(status: .unprocessableContent, message: "\(name) must be one of \(all)")
    }
    return choice
  }

  func finish() throws {
    if let unknown = object.members.first(where: { !known.contains($0.name) }) {
      throw ControlError(status: .unprocessableContent, message: "'\(unknown.name.prefix(60))' is not a field here")
    }
  }

  private mutating func read<Value>(
    _ name: String, _ what: String, _ path: KeyPath<JSONValue, Value?>
  ) throws -> Value? {
    known.insert(name)
    guard let value = object[name], value != .null else { return nil }
    guard let read = value[keyPath: path] else {
      throw ControlError(status: .unprocessableContent, message: "\(name) must be \(what)")
    }
    return read
  }
}
