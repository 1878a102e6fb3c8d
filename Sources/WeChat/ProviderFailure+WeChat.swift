import Federation

/// What a call proves itself with, which decides what some errcodes mean.
enum Proof: Sendable {
  /// AppID and AppSecret: 40001 is a wrong secret.
  case secret
  /// The app access token.
  case appToken
  /// What one person granted: a dead one is renewed by that person only.
  case userToken
}

extension ProviderFailure {
  /// The failure WeChat named with an errcode.
  ///
  /// `errmsg` is free text with a changing tail: only the request's id and the address of 40164 are read from it.
  init(errcode: Int, errmsg: String, proof: Proof) {
    let entry = ErrorCatalogue.entry(errcode, proof: proof)
    var (action, actionZH) = (entry.action.english, entry.action.chinese)
    if errcode == 40164, let address = errmsg.firstMatch(of: /invalid ip ([0-9a-fA-F.:]{3,45})/)?.1 {
      action = "WeChat saw the address \(address). " + action
      actionZH = "微信看到的 IP 是 \(address)。" + actionZH
    }
    self.init(
      code: entry.code.rawValue, status: entry.code.status, errcode: errcode, retry: entry.retry,
      detail: entry.code.english, detailZH: entry.code.chinese, adminHint: action, adminHintZH: actionZH,
      meaning: entry.meaning.english, meaningZH: entry.meaning.chinese, requestID: Self.requestID(errmsg),
      retryAfter: entry.retryAfter)
  }

  /// WeChat could not be reached or answered something that is not its protocol.
  static func unavailable(_ reason: String) -> ProviderFailure {
    local(.unavailable, retry: .backOff, reason, retryAfter: 2)
  }

  /// More calls of one AppID at once than we make.
  static let tooManyCalls = local(
    .rateLimited, retry: .backOff, "More calls of this AppID at once than this server makes.", retryAfter: 2)

  /// The answer is about another app or person than was asked for.
  static let foreignAnswer = local(
    .codeInvalid, retry: .relogin, "WeChat's answer is about another app or person than was asked for.")

  private static func local(
    _ code: ContractCode, retry: RetryClass, _ reason: String, retryAfter: Int? = nil
  ) -> ProviderFailure {
    ProviderFailure(
      code: code.rawValue, status: code.status, errcode: nil, retry: retry, detail: code.english,
      detailZH: code.chinese, adminHint: reason, retryAfter: retryAfter)
  }

  /// The same, with the word for a code that does not serve.
  func asInvalidCode() -> ProviderFailure {
    ProviderFailure(
      code: ContractCode.codeInvalid.rawValue, status: ContractCode.codeInvalid.status, errcode: errcode,
      retry: .relogin, detail: ContractCode.codeInvalid.english, detailZH: ContractCode.codeInvalid.chinese,
      adminHint: adminHint, adminHintZH: adminHintZH, meaning: meaning, meaningZH: meaningZH, requestID: requestID)
  }

  /// WeChat's id of the request, in today's spelling (`rid: …`) or an older one (`req_id: …`, `hint: […]`).
  private static func requestID(_ errmsg: String) -> String? {
    if let rid = errmsg.firstMatch(of: /rid: ?([0-9a-f-]{8,40})/)?.1 { return String(rid) }
    return errmsg.firstMatch(of: /(?:req_id: ?|hint: ?\[)([A-Za-z0-9_.~-]{4,40})/).map { String($0.1) }
  }
}

extension ErrorCatalogue {
  /// What an errcode means in the answer to a call with this proof.
  static func entry(_ errcode: Int, proof: Proof) -> Entry {
    switch (proof, errcode) {
    case (.secret, 40001): return known(40125)
    case (.userToken, 40001), (.userToken, 40014), (.userToken, 42001):
      let entry = known(errcode)
      return Entry(
        code: .error, retry: .relogin, meaning: entry.meaning, action: askAgain, retryAfter: nil)
    default: return known(errcode)
    }
  }

  private static func known(_ errcode: Int) -> Entry {
    entries[errcode]
      ?? Entry(
        code: .error, retry: .never,
        meaning: Text("WeChat answered \(errcode), which is not in our table.", "微信返回了未知错误码 \(errcode)。"),
        action: Text(
          "Look the number up in WeChat's documentation; if it repeats, report it with the request id.",
          "请在微信官方文档中查询该错误码；如反复出现，请附请求编号反馈。"), retryAfter: nil)
  }
}
