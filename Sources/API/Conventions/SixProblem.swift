import HTTPTypes
import Hummingbird
import JSON

/// An error answer in the wire form of SiX IDaaS: `{"errors": [{"code", "message"}]}`, with the status of the problem.
struct SixProblem {
  let problem: Problem

  /// True for a call in SiX's form, told apart by method and media type: whatever refuses it answers in that form.
  static func isForm(of request: Request) -> Bool {
    let path = request.uri.path
    return switch request.method {
    case .get: path.hasSuffix("/federation/wechat/miniapp/profile")
    case .post:
      path.hasSuffix("/federation/wechat/miniapp/bindUser")
        && request.mediaType == "application/x-www-form-urlencoded"
    default: false
    }
  }

  func response() -> Response {
    let body = JSONWriter.object { json in
      json.key("errors")
      json.beginArray()
      json.beginObject()
      json.member("code", problem.code)
      json.member("message", problem.detailZH ?? problem.detail)
      json.endObject()
      json.endArray()
    }
    var headers = problem.headers
    headers[.contentType] = "application/json"
    headers[.cacheControl] = "no-store"
    return Response(status: problem.status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }
}
