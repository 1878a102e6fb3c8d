import HTTPTypes
import JSON

/// One operation as the API document describes it.
struct DocumentedOperation {
  /// Who may call it.
  enum Caller: String {
    case anybody, apiKey = "api_key", operatorToken = "operator_token", accessToken = "access_token"
    case client = "client_credentials"
  }

  let method: HTTPRequest.Method
  let path: String
  /// Its `operationId`, in snake case.
  let name: String
  let summary: String
  let caller: Caller
  /// The scope an API key needs.
  var scope: String?
  var query: JSONObject?
  /// Schemas of the body by media type.
  var bodies: [(type: String, schema: JSONObject)] = []
  var status = 200
  /// The media type and schema of success.
  var answer: (type: String, schema: JSONObject)?

  /// The operation object (OpenAPI 3.1 section 4.8.10).
  var object: JSONValue {
    var object = JSONObject([("operationId", .string(name)), ("summary", .string(summary))])
    if let scope { object["description"] = .string("Needs a key with the scope `\(scope)`.") }
    let parameters = pathParameters + queryParameters
    if !parameters.isEmpty { object["parameters"] = .array(parameters) }
    if !bodies.isEmpty {
      object["requestBody"] = .object(
        JSONObject([
          ("required", .boolean(true)), ("content", Self.content(bodies)),
        ]))
    }
    var success = JSONObject([("description", .string("Success."))])
    if let answer { success["content"] = Self.content([answer]) }
    let failure = JSONObject([("$ref", .string("#/components/responses/Problem"))])
    object["responses"] = .object(JSONObject([(String(status), .object(success)), ("default", .object(failure))]))
    object["security"] =
      caller == .anybody ? .array([]) : .array([.object(JSONObject([(caller.rawValue, .array([]))]))])
    return .object(object)
  }

  private static func content(_ bodies: [(type: String, schema: JSONObject)]) -> JSONValue {
    .object(JSONObject(bodies.map { (name: $0.type, value: .object(JSONObject([("schema", .object($0.schema))]))) }))
  }

  private var pathParameters: [JSONValue] {
    path.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
      let name = String(segment.dropFirst().dropLast())
      let isID = name.hasSuffix("id") || name == "client"
      return Self.parameter(name, in: "path", isRequired: true, isID ? Schema.id : Schema.text)
    }
  }

  private var queryParameters: [JSONValue] {
    guard let query, let members = query["properties"]?.object?.members else { return [] }
    let required = Set(query["required"]?.array?.compactMap(\.string) ?? [])
    return members.map { name, schema in
      Self.parameter(name, in: "query", isRequired: required.contains(name), schema.object ?? JSONObject())
    }
  }

  private static func parameter(_ name: String, in place: String, isRequired: Bool, _ schema: JSONObject) -> JSONValue {
    .object(
      JSONObject([
        ("name", .string(name)), ("in", .string(place)), ("required", .boolean(isRequired)),
        ("schema", .object(schema)),
      ]))
  }
}
