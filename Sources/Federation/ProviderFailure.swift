/// What can be done about a provider's refusal.
public enum RetryClass: String, Sendable {
  /// Nothing: the same request fails again.
  case never
  /// The same request later, with growing pauses.
  case backOff = "back_off"
  /// The same request once more with a new app access token.
  case refreshToken = "refresh_token"
  /// The person must start again: the code is spent or worth nothing.
  case relogin
  /// The tenant's administrator must act; asking again slowly is harmless.
  case admin
  /// The tenant's administrator must correct the credentials; until then there is no use in asking.
  case disable
}

/// A provider refused, or could not be asked: sorted into the words of the contract, with what each reader needs.
public struct ProviderFailure: Error, Sendable, Equatable {
  /// The stable word for the caller, such as `wechat_code_invalid`.
  public let code: String
  /// The HTTP status for the caller.
  public let status: Int
  /// The provider's own number; `nil` when it was not understood or not reached.
  public let errcode: Int?
  /// What can be done.
  public let retry: RetryClass
  /// For the caller, English.
  public let detail: String
  /// For the caller, Chinese.
  public let detailZH: String
  /// For the tenant's administrator: what to do, with the provider's particulars. Not for the caller.
  public let adminHint: String?
  /// The same in Chinese.
  public let adminHintZH: String?
  /// For the tenant's administrator: what the provider's number means.
  public let meaning: String?
  /// The same in Chinese.
  public let meaningZH: String?
  /// The provider's id of the request, for asking its support.
  public let requestID: String?
  /// Seconds after which asking again makes sense.
  public let retryAfter: Int?

  /// A failure.
  public init(
    code: String, status: Int, errcode: Int?, retry: RetryClass, detail: String, detailZH: String,
    adminHint: String? = nil, adminHintZH: String? = nil, meaning: String? = nil, meaningZH: String? = nil,
    requestID: String? = nil, retryAfter: Int? = nil
  ) {
    self.code = code
    self.status = status
    self.errcode = errcode
    self.retry = retry
    self.detail = detail
    self.detailZH = detailZH
    self.adminHint = adminHint
    self.adminHintZH = adminHintZH
    self.meaning = meaning
    self.meaningZH = meaningZH
    self.requestID = requestID
    self.retryAfter = retryAfter
  }
}
