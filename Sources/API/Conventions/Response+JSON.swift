import HTTPTypes
import Hummingbird
import JSON

extension Response {
  /// An answer with ready JSON text; not cached, because it belongs to one key.
  public static func json(_ status: HTTPResponse.Status, _ body: [UInt8], headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.contentType] = "application/json"
    if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }

  /// An answer whose object `write` fills.
  public static func json(
    _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], _ write: (inout JSONWriter) -> Void
  ) -> Response {
    json(status, JSONWriter.object(write), headers: headers)
  }
}
