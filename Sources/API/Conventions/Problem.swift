import HTTPTypes
import Hummingbird
import JSON

/// An error answer of the management and federation APIs (RFC 9457).
///
/// What goes in is for the caller: what is wrong and what to do. The server's own troubles go to the log.
public struct Problem: Error, Sendable {
  /// One faulty field of a body or one faulty query parameter.
  public struct FieldFault: Sendable, Equatable {
    /// JSON Pointer (RFC 6901) into the body; for a query parameter its name after `?`.
    public let pointer: String
    /// What is wrong with it.
    public let detail: String

    /// A fault.
    public init(pointer: String, detail: String) {
      self.pointer = pointer
      self.detail = detail
    }
  }

  /// The status.
  public var status: HTTPResponse.Status
  /// The stable word a program can rely on.
  public var code: String
  /// What is wrong and what to do, English.
  public var detail: String
  /// The same in Chinese, where a person reads it.
  public var detailZH: String?
  /// All faulty fields at once.
  public var errors: [FieldFault]
  /// WeChat's number.
  public var wechatErrcode: Int?
  /// Header fields such as `Retry-After`.
  public var headers: HTTPFields

  /// A problem.
  public init(
    _ status: HTTPResponse.Status, _ code: String, _ detail: String, detailZH: String? = nil, errors: [FieldFault] = [],
    wechatErrcode: Int? = nil, headers: HTTPFields = [:]
  ) {
    self.status = status
    self.code = code
    self.detail = detail
    self.detailZH = detailZH
    self.errors = errors
    self.wechatErrcode = wechatErrcode
    self.headers = headers
  }

  /// The answer, with the id under which the log has it.
  func response(requestID: String) -> Response {
    let body = JSONWriter.object { json in
      json.member("type", "urn:qiao:problem:\(code)")
      json.member("title", status.reasonPhrase)
      json.member("status", status.code)
      json.member("detail", detail)
      if let detailZH { json.member("detail_zh", detailZH) }
      json.member("code", code)
      json.member("request_id", requestID)
      if let wechatErrcode { json.member("wechat_errcode", wechatErrcode) }
      guard !errors.isEmpty else { return }
      json.key("errors")
      json.beginArray()
      for error in errors {
        json.beginObject()
        json.member("pointer", error.pointer)
        json.member("detail", error.detail)
        json.endObject()
      }
      json.endArray()
    }
    var headers = headers
    headers[.contentType] = "application/problem+json"
    headers[.cacheControl] = "no-store"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }
}

extension Problem {
  /// 404 for what does not exist and for what is not the caller's: the same bytes but for the request id.
  public static let notFound = Problem(
    .notFound, "not_found", "There is nothing at this address, or it is not yours.", detailZH: "此地址不存在，或不属于您。")

  /// 401 for every wrong key, whatever is wrong with it.
  public static let unauthorized = Problem(
    .unauthorized, "unauthorized", "Send a valid API key as 'Authorization: Bearer <key>'.",
    headers: [.wwwAuthenticate: "Bearer realm=\"qiao\""])

  /// 503 with `Retry-After`.
  public static func unavailable(_ code: String = "database_unavailable") -> Problem {
    Problem(
      .serviceUnavailable, code, "The service cannot answer right now. Try again in a moment.",
      detailZH: "服务暂时不可用，请稍后重试。", headers: [.retryAfter: "2"])
  }

  /// 500: something of ours broke; the log knows what.
  static let internalError = Problem(
    .internalServerError, "internal_error", "Something went wrong on our side. Quote the request id to support.",
    detailZH: "服务内部出错，请联系支持并提供请求编号。")

  /// 403 while the operator has the tenant suspended.
  public static let tenantSuspended = Problem(
    .forbidden, "tenant_suspended", "The operator has suspended this tenant.", detailZH: "该租户已被运营方暂停。")
}

extension HTTPField.Name {
  /// `Retry-After` (RFC 9110 section 10.2.3).
  public static let retryAfter = HTTPField.Name("Retry-After")!
  /// `X-Request-Id`
  static let requestID = HTTPField.Name("X-Request-Id")!
  /// `Idempotency-Key`
  static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
  /// `X-Forwarded-For`
  static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}
