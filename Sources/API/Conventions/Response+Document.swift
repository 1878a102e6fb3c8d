import HTTPTypes
import Hummingbird
import Identity

extension Response {
  /// A public document with its tag; 304 when the caller has it.
  ///
  /// A change of an application counts at once, a new signing key too: who keeps a copy has to ask whether it is still right,
  /// which costs next to nothing, and so nobody meets a key that a cache withheld from them.
  static func document(_ document: PublishedIssuer.Document, _ request: Request) -> Response {
    let headers: HTTPFields = [
      .contentType: "application/json", .cacheControl: "public, max-age=0, must-revalidate", .eTag: document.etag,
    ]
    if request.headers[.ifNoneMatch]?.contains(document.etag) == true {
      return Response(status: .notModified, headers: headers)
    }
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: document.bytes)))
  }
}
