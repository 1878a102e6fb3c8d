import HTTPTypes

extension Problem.FieldFault {
  /// A fault at `pointer`.
  public init(_ pointer: String, _ detail: String) { self.init(pointer: pointer, detail: detail) }
}

extension Problem {
  /// 422 with all field faults at once.
  public static func invalid(_ faults: [FieldFault]) -> Problem {
    Problem(.unprocessableContent, "invalid_fields", "Some fields are not acceptable; see errors.", errors: faults)
  }

  /// 422 for one field.
  public static func invalid(_ pointer: String, _ detail: String) -> Problem {
    invalid([FieldFault(pointer: pointer, detail: detail)])
  }

  /// 412: `If-Match` names none of the versions there are.
  public static let preconditionFailed = Problem(
    .preconditionFailed, "precondition_failed", "The resource has changed since it was read; read it again.")

  /// 403: the key does not carry the scope an operation needs (RFC 6750 section 3.1).
  public static func scopeMissing(_ scope: String) -> Problem {
    Problem(
      .forbidden, "insufficient_scope", "This needs a key with the scope \(scope).",
      headers: [.wwwAuthenticate: "Bearer realm=\"qiao\", error=\"insufficient_scope\", scope=\"\(scope)\""])
  }

  /// 409 with the word for what it clashes with.
  public static func conflict(_ code: String, _ detail: String) -> Problem { Problem(.conflict, code, detail) }

  /// 429 with the seconds to wait.
  public static func rateLimited(retryAfter seconds: Int) -> Problem {
    Problem(
      .tooManyRequests, "rate_limited", "Too many requests; try again in \(seconds) s.", detailZH: "请求过于频繁，请稍后再试。",
      headers: [.retryAfter: String(seconds)])
  }
}
