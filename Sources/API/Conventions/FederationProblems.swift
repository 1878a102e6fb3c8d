import Federation
import HTTPTypes
import Identity

extension Problem {
  /// The answer to a federation call that was refused (contract section 8).
  init(_ refusal: FederationRefusal) {
    switch refusal {
    case .provider(let failure): self.init(failure)
    case .ticketInvalid:
      self.init(
        .badRequest, "bind_ticket_invalid",
        "The ticket is unknown, used, expired or of another client. Call profile with a new code of wx.login.",
        detailZH: "绑定凭证无效、已使用或已过期，请重新登录。")
    case .codeSpent:
      self.init(
        .badRequest, "wechat_code_invalid", "This code was used before. Call wx.login again.",
        detailZH: "登录凭证已使用，请重新登录。")
    case .codeInFlight:
      self.init(
        .serviceUnavailable, "wechat_unavailable",
        "An earlier request with this code has no answer yet. Call wx.login again.",
        detailZH: "微信暂未响应，请稍后重新登录。", headers: [.retryAfter: "2"])
    case .bindToInvalid:
      self.init(
        .unauthorized, "bind_to_invalid",
        "The access token in bind_to is not a live one of this identity application. Sign the user in again.",
        detailZH: "要绑定的账号登录已失效，请重新登录该账号。")
    case .snapshotUser:
      self.init(
        .forbidden, "wechat_snapshot_user",
        "WeChat showed the page in snapshot mode, with a person who does not exist. Open the whole page and sign in there.",
        detailZH: "当前为微信快照页，请打开完整页面后登录。")
    case .mfaRequired:
      self.init(
        .forbidden, "mfa_required", "This person signs in with a second factor. Call profile again.",
        detailZH: "该用户已开启两步验证，请重新登录。")
    case .userDisabled:
      self.init(.forbidden, "user_disabled", "This user is disabled.", detailZH: "该用户已被停用。")
    case .enrollmentClosed:
      self.init(
        .forbidden, "enrollment_closed", "This directory takes no new users.", detailZH: "该应用暂不接受新用户。")
    case .clientNotFound:
      self.init(
        .notFound, "client_not_found", "There is no such enabled client here.", detailZH: "客户端不存在或未启用。")
    case .phoneNumberConflict:
      self.init(
        .conflict, "phone_number_conflict", "This phone number belongs to another user.", detailZH: "该手机号已属于其他用户。")
    case .credentialFailing(let errcode):
      self.init(
        .badGateway, "wechat_credentials_rejected",
        "WeChat rejects the credentials of this client. The tenant's administrator finds the reason at the client.",
        detailZH: "微信拒绝了该客户端的凭据，请联系管理员。", wechatErrcode: errcode)
    case .tokenUnavailable:
      self.init(
        .serviceUnavailable, "wechat_unavailable", "There is no WeChat access token yet. Try again in a moment.",
        detailZH: "暂时无法连接微信，请稍后重试。", headers: [.retryAfter: "2"])
    case .fault: self = .internalError
    }
  }

  /// The answer to a call that WeChat refused.
  init(_ failure: ProviderFailure) {
    self.init(
      HTTPResponse.Status(code: failure.status), failure.code, failure.detail, detailZH: failure.detailZH,
      wechatErrcode: failure.errcode)
    if let seconds = failure.retryAfter {
      headers[.retryAfter] = String(seconds)
    } else if failure.status == 503 || failure.status == 429 {
      headers[.retryAfter] = failure.status == 429 ? "60" : "2"
    }
  }
}
