import HTTPTypes
import JSON

extension ProtocolOperations {
  /// The account page and the second factor.
  static var account: [DocumentedOperation] {
    [
      page(
        .get, "account", "account_page",
        "The account of whoever is signed in in this browser; 303 to the sign-in page when nobody is.",
        fields([], optional: ["notice", "ui_locales"])),
      page(
        .post, "account", "change_account",
        "Changes the account by a form of its page: 303 back to it, or to the sign-in page for a fresh sign-in.",
        fields(["csrf", "operation"], optional: ["id", "current_password", "new_password", "code"])),
      page(
        .get, "mfa", "mfa_page", "Asks for the second factor of an interaction; 303 onwards when none is owed.",
        fields(["interaction"])),
      page(
        .post, "mfa", "mfa", "Takes a code of the authenticator or a backup code: 303 onwards, or the page again.",
        fields(["interaction", "code"])),
      page(
        .get, "mfa/enroll", "mfa_enroll_page", "The key for an authenticator, where the application asks for one.",
        fields(["interaction"])),
      page(
        .post, "mfa/enroll", "mfa_enroll",
        "Takes the first code of a new authenticator and shows the backup codes, or the page again.",
        fields(["interaction", "code"])),
    ]
  }
}
