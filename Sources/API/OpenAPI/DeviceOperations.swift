import HTTPTypes
import JSON

extension ProtocolOperations {
  /// Device authorization (RFC 8628) and its page.
  static var device: [DocumentedOperation] {
    let answer = Schema.object([
      ("device_code", Schema.text), ("user_code", Schema.text), ("verification_uri", Schema.text),
      ("verification_uri_complete", Schema.text), ("expires_in", Schema.integer), ("interval", Schema.integer),
    ])
    return [
      DocumentedOperation(
        method: .post, path: "\(issuer)/device_authorization", name: "device_authorization",
        summary: "Gives a device a code to show and one to poll with (RFC 8628 section 3.1).", caller: .client,
        bodies: [(form, fields([], optional: ["scope", "resource"] + authentication))],
        answer: ("application/json", answer)),
      page(
        .get, "device", "device_page", "The page that takes a device's code (RFC 8628 section 3.3).",
        fields([], optional: ["user_code", "ui_locales"])),
      page(
        .post, "device", "device", "Takes a device's code: 303 to the sign-in or to the question for consent.",
        fields(["user_code", "csrf"])),
    ]
  }
}
