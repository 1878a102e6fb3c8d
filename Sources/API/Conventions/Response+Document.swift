import HTTPTypes
import Hummingbird
import Identity

extension Response {
  /// A public document with its tag; 304 when the caller has it.
  static func document(_ document: PublishedIssuer.Document, _ request: Request) -> Response {
    // New keys are published this long before they sign, so that nobody meets a key they have not seen.
    let headers: HTTPFields = [
      .contentType: "application/json", .cacheControl: "public, max-age=300", .eTag: document.etag,
    ]
    if request.headers[.ifNoneMatch]?.contains(document.etag) == true {
      return Response(status: .notModified, headers: headers)
    }
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: document.bytes)))
  }
}
