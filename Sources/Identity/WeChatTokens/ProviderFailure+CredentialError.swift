import Federation
import JSON
import Query

extension ProviderFailure {
  /// The `credential_error` of a client: WeChat's errcode, what it means and what to do, in English and Chinese.
  var credentialError: JSONText {
    JSONText(
      utf8: JSONWriter.object { json in
        json.key("errcode")
        if let errcode { json.integer(errcode) } else { json.null() }
        json.member("meaning", meaning ?? detail)
        json.member("meaning_zh", meaningZH ?? detailZH)
        json.member("action", adminHint)
        json.member("action_zh", adminHintZH)
      })
  }
}
