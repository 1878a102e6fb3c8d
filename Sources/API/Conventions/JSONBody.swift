import HTTPTypes
import Hummingbird
import JSON

/// Reads the JSON body of a request field by field, all faults at once.
///
/// ```swift
/// let new = try await JSONBody.read(request) { fields in
///   NewTenant(slug: fields.required("slug", .slug), name: fields.required("name", .text(1...200)))
/// }
/// ```
public enum JSONBody {
  /// Reads the fields of the body's object with `read`.
  ///
  /// - Parameter patch: true for a merge patch, which may also come as `application/merge-patch+json` (RFC 7396).
  /// - Throws: `Problem`: 400 no body or not JSON, 413 over 1 MiB, 415 another media type, 422 field faults.
  public static func read<Value>(
    _ request: Request, patch: Bool = false, _ read: (inout FieldReader) -> Value
  ) async throws -> Value {
    let types: Set<String> = patch ? ["application/json", "application/merge-patch+json"] : ["application/json"]
    return try decode(try await request.jsonObject(types), read)
  }

  /// Reads the fields of an object with `read`.
  /// - Throws: `Problem` 422.
  public static func decode<Value>(
    _ object: JSONObject, isQuery: Bool = false, _ read: (inout FieldReader) -> Value
  ) throws(Problem) -> Value {
    var fields = FieldReader(object, at: isQuery ? "?" : "/")
    let value = read(&fields)
    fields.refuseTheRest()
    guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    return value
  }
}
