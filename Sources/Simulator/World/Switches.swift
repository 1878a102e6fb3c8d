/// How WeChat behaves where sources disagree, or where it has behaved in more than one way; the defaults are what is seen most.
public struct Switches: Sendable {
  /// The Content-Type of answers.
  public enum ContentType: String, Sendable, CaseIterable {
    /// `text/plain` for the `sns` calls, JSON elsewhere.
    case mixed
    /// JSON everywhere.
    case json
    /// `text/plain` everywhere.
    case text
  }

  /// What a success says of `errcode` where it usually says nothing.
  public enum SuccessErrcode: String, Sendable, CaseIterable {
    /// Nothing.
    case absent
    /// `0`, with `errmsg`.
    case number
    /// `"0"`, with `errmsg`.
    case string
  }

  /// The Content-Type of answers.
  public var contentType = ContentType.mixed
  /// What a success says of `errcode`.
  public var successErrcode = SuccessErrcode.absent
  /// True writes the `errcode` of errors as a string.
  public var errcodeIsString = false
  /// True writes `countryCode` as a number.
  public var countryCodeIsNumber = false
  /// True accepts a code again and again, which shows who relies on WeChat to refuse it.
  public var acceptsUsedCodes = false
  /// True opens the redirect address twice, as some WeChat versions do.
  public var redirectsTwice = false

  /// The defaults.
  public init() {}
}

extension World {
  /// Changes how WeChat behaves.
  public func change(_ body: (inout Switches) -> Void) {
    state.withLock { body(&$0.switches) }
  }
}
