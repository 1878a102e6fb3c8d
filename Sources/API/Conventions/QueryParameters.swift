import Hummingbird
import JSON

/// The query parameters of a request, each at most once.
public struct QueryParameters: Sendable {
  let parameters: [(name: String, value: String)]

  /// Reads the query of a request.
  /// - Throws: `Problem` 422 for a parameter that stands twice or is not valid percent-encoded UTF-8.
  public init(_ request: Request) throws(Problem) {
    try self.init(text: request.uri.query ?? "")
  }

  init(text: String) throws(Problem) {
    var parameters: [(name: String, value: String)] = []
    for part in text.split(separator: "&") {
      let equals = part.firstIndex(of: "=") ?? part.endIndex
      guard let name = FormFields.decode(part[..<equals]), let value = FormFields.decode(part[equals...].dropFirst())
      else {
        throw .invalid([Problem.FieldFault("?", "a query parameter is not percent-encoded UTF-8")])
      }
      guard !parameters.contains(where: { $0.name == name }) else {
        throw .invalid([Problem.FieldFault("?\(name)", "a query parameter stands twice")])
      }
      parameters.append((name, value))
    }
    self.parameters = parameters
  }

  /// The value of a parameter.
  public subscript(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

  /// Reads the parameters with the types of body fields; one that nobody asks for is a fault.
  /// - Throws: `Problem` 422 with all faults.
  public func read<Value>(_ read: (inout FieldReader) -> Value) throws(Problem) -> Value {
    try JSONBody.decode(
      JSONObject(parameters.map { (name: $0.name, value: JSONValue.string($0.value)) }), isQuery: true, read)
  }

}

extension FieldType where Value == Int {
  /// A whole number written as the text of a query parameter.
  public static func digits(_ range: ClosedRange<Int>) -> FieldType {
    let integer = FieldType.integer(range)
    return FieldType(placeholder: integer.placeholder, schema: integer.schema) { value, pointer, faults in
      integer.read(value.string.map { .number($0) } ?? value, pointer, &faults)
    }
  }
}

extension FieldType where Value == Bool {
  /// `true` or `false` written as the text of a query parameter.
  public static var word: FieldType {
    FieldType(placeholder: false, schema: FieldType.boolean.schema) { value, pointer, faults in
      let read: JSONValue = value.string == "true" ? .boolean(true) : value.string == "false" ? .boolean(false) : value
      return FieldType.boolean.read(read, pointer, &faults)
    }
  }
}

extension QueryParameters {
  /// The parameters but for some.
  func others(than names: [String]) -> [(name: String, value: String?)] {
    parameters.filter { !names.contains($0.name) }.map { ($0.name, $0.value) }
  }

  /// Refuses every parameter: for routes that take none.
  /// - Throws: `Problem` 422.
  public static func none(_ request: Request) throws(Problem) {
    guard request.uri.query != nil else { return }
    try QueryParameters(request).read { _ in }
  }
}
