import Identity
import Observability
import Pages

/// The pages of the second factor.
enum MFAPages {
  /// Asks for a code.
  static func code(_ interaction: Interaction, _ issuer: PublishedIssuer, _ frame: PageFrame) -> MFAPage {
    var page = MFAPage(
      frame: frame, action: "\(issuer.issuer)/mfa", token: FormToken(interaction.token.expose(), name: "interaction"))
    page.formTargets = interaction.fields["redirect_uri"].map { [$0] } ?? []
    return page
  }

  /// Shows a key; `account` is what the authenticator calls it beside the name of the application.
  static func enrolment(
    _ key: Secret<String>, account: String?, action: String, token: FormToken, _ issuer: PublishedIssuer,
    _ frame: PageFrame
  ) -> MFAEnrollPage {
    let text = key.expose()
    return MFAEnrollPage(
      frame: frame, action: action, token: token, secret: grouped(text),
      otpauthURL: TOTP.uri(secret: text, issuer: issuer.name, account: account ?? issuer.name))
  }

  /// Four characters and a space, for reading aloud and typing.
  private static func grouped(_ key: String) -> String {
    stride(from: 0, to: key.count, by: 4).map { String(key.dropFirst($0).prefix(4)) }.joined(separator: " ")
  }
}
