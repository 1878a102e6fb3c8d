import HTTPTypes
import JSON

extension ProtocolOperations {
  /// The account page.
  static var account: [DocumentedOperation] {
    [
      page(
        .get, "account", "account_page",
        "The account of whoever is signed in in this browser; 303 to the sign-in page when nobody is.",
        fields([], optional: ["notice", "ui_locales"])),
      page(
        .post, "account", "change_account",
        "Changes the account by a form of its page: 303 back to it, or to the sign-in page for a fresh sign-in.",
        fields(["csrf", "operation"], optional: ["id", "current_password", "new_password"])),
    ]
  }
}
