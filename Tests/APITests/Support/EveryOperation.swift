import Foundation
import JSON

/// The operations that `/openapi.json` names, so that a test of all of them meets a new one by itself.
struct EveryOperation {
  struct Operation: Sendable, CustomStringConvertible {
    let method: String
    let path: String
    let details: JSONObject

    var description: String { "\(method) \(path)" }
    /// The names in braces.
    var parameters: [String] {
      path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
    /// Who may call it: the name of the security scheme, `nil` for anybody.
    var caller: String? { details["security"]?.array?.first?.object?.members.first?.name }
    /// The media type of the body.
    var bodyType: String? { details["requestBody"]?.object?["content"]?.object?.members.first?.name }
    /// The schema of the body of a media type.
    func schema(_ type: String) -> JSONObject? {
      details["requestBody"]?.object?["content"]?.object?[type]?.object?["schema"]?.object
    }
    /// The query parameters that must be there.
    var requiredQuery: [String] {
      (details["parameters"]?.array ?? []).compactMap(\.object).filter {
        $0["in"]?.string == "query" && $0["required"]?.boolean == true
      }.compactMap { $0["name"]?.string }
    }

    /// The path with its parameters filled in.
    func filled(_ values: [String: String]) -> String {
      path.split(separator: "/").map { segment in
        guard segment.hasPrefix("{") else { return "/\(segment)" }
        return "/" + (values[String(segment.dropFirst().dropLast())] ?? "unfilled")
      }.joined()
    }
  }

  let all: [Operation]

  init(_ server: TestServer) async throws {
    let document = try await server.send("GET", "/openapi.json")
    all = (document["paths"]?.object?.members ?? []).flatMap { path, item in
      (item.object?.members ?? []).map { method, details in
        Operation(method: method.uppercased(), path: path, details: details.object ?? JSONObject())
      }
    }
  }
}
