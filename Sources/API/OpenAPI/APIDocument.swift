import HTTPTypes
import Hummingbird
import Identity
import JSON

/// `/openapi.json`: the management operations as the router has them, and the protocol endpoints.
struct APIDocument {
  /// The document's text and tag.
  let document: PublishedIssuer.Document

  init(_ operations: [DocumentedOperation], publicURL: String) {
    var paths = JSONObject()
    for operation in operations {
      var item = paths[operation.path]?.object ?? JSONObject()
      item[operation.method.rawValue.lowercased()] = operation.object
      paths[operation.path] = .object(item)
    }
    let document = JSONObject([
      ("openapi", .string("3.1.0")),
      ("info", .object(Self.info)),
      ("servers", .array([.object(JSONObject([("url", .string(publicURL))]))])),
      ("paths", .object(paths)),
      ("components", .object(Self.components)),
    ])
    self.document = PublishedIssuer.Document(JSONValue.object(document).text)
  }

  private static let info = JSONObject([
    ("title", .string("Qiao")),
    ("version", .string("1")),
    (
      "description",
      .string(
        """
        Multi-tenant identity service for people who live in WeChat. Unknown fields and query parameters are refused; \
        errors are RFC 9457 problems; every POST of the operator and management APIs takes an Idempotency-Key; \
        resources that PATCH can change carry a strong ETag, and their PATCH and DELETE honour If-Match; sessions, identities, \
        second factors and actions such as verify or run have none. A POST that takes no body takes none or `{}`.
        """)
    ),
  ])

  private static let components = JSONObject([
    (
      "schemas",
      .object(
        JSONObject(
          [(name: "Problem", value: .object(problem))]
            + ResourceSchemas.all.values.sorted { $0.name < $1.name }.map { (name: $0.name, value: .object($0.schema)) }
        ))
    ),
    (
      "responses",
      .object(
        JSONObject([
          (
            "Problem",
            .object(
              JSONObject([
                ("description", .string("What is wrong and what to do.")),
                (
                  "content",
                  .object(
                    JSONObject([
                      (
                        "application/problem+json",
                        .object(JSONObject([("schema", .object(Schema.reference("Problem")))]))
                      )
                    ]))
                ),
              ]))
          )
        ]))
    ),
    (
      "securitySchemes",
      .object(
        JSONObject([
          ("api_key", bearer("A key of the tenant, `qk_…`.")), ("operator_token", bearer("The operator's token.")),
          ("access_token", bearer("An access token of the identity application.")),
          ("client_credentials", .object(JSONObject([("type", .string("http")), ("scheme", .string("basic"))]))),
        ]))
    ),
  ])

  private static func bearer(_ description: String) -> JSONValue {
    .object(
      JSONObject([
        ("type", .string("http")), ("scheme", .string("bearer")), ("description", .string(description)),
      ]))
  }

  private static let problem = Schema.object(
    [
      ("type", Schema.text), ("title", Schema.text), ("status", Schema.integer), ("detail", Schema.text),
      ("detail_zh", Schema.text), ("code", Schema.text), ("request_id", Schema.text),
      ("wechat_errcode", Schema.integer),
      ("errors", Schema.array(of: Schema.object([("pointer", Schema.text), ("detail", Schema.text)]))),
    ], optional: ["detail_zh", "wechat_errcode", "errors"])
}

extension DocumentedOperation {
  /// What the document says of an endpoint below `prefix`.
  init<Context>(_ endpoint: Endpoint<Context>, below prefix: String, caller: Caller) {
    method = endpoint.method
    path = "\(prefix)/\(endpoint.path)"
    name = endpoint.name
    let words = endpoint.name.split(separator: "_").joined(separator: " ")
    summary = words.prefix(1).uppercased() + words.dropFirst() + "."
    self.caller = caller
    scope = endpoint.scope?.rawValue
    query = endpoint.query
    if let body = endpoint.body {
      bodies = [(method == .patch ? "application/merge-patch+json" : "application/json", body)]
    }
    status = endpoint.status.code
    guard endpoint.status != .noContent, endpoint.status != .accepted, let resource = ResourceSchemas.of(endpoint.path)
    else { return }
    let one = Schema.reference(resource.name)
    let isList = method == .get && endpoint.query?["properties"]?.object?["cursor"] != nil
    let page = Schema.object([("items", Schema.array(of: one)), ("next_cursor", Schema.nullable(Schema.text))])
    answer = ("application/json", isList ? page : one)
  }
}
