import Federation
import JSON
import Query

extension ProviderFailure {
  /// True when the tenant's administrator must act: WeChat refused the credentials, the server's address or a permission.
  var isRefusal: Bool { retry == .admin || retry == .disable }

  /// The `credential_error` of a client: WeChat's errcode, what it means and what to do, in English and Chinese,
  /// and WeChat's id of the request, with which WeChat explains it for a week (`openapi/rid/get`).
  var credentialError: JSONText {
    JSONText(
      utf8: JSONWriter.object { json in
        json.key("errcode")
        if let errcode { json.integer(errcode) } else { json.null() }
        json.member("meaning", meaning ?? detail)
        json.member("meaning_zh", meaningZH ?? detailZH)
        json.member("action", adminHint)
        json.member("action_zh", adminHintZH)
        json.member("request_id", requestID)
      })
  }
}
