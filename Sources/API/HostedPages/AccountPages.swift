import FoundationEssentials
import Identity
import Pages

/// What the account page says of an account.
enum AccountPages {
  /// The page.
  static func account(
    _ holder: AccountHolder, _ overview: AccountOverview, issuer: String, token: FormToken, _ frame: PageFrame
  ) -> AccountPage {
    var page = AccountPage(frame: frame, action: "\(issuer)/account", token: token)
    let user = holder.user
    page.name = user.name
    page.username = user.username
    page.phoneNumber = user.phoneNumber
    page.email = user.email
    page.hasPassword = holder.hasPassword
    page.secondFactor =
      switch (holder.mfa, holder.isEnrolled) {
      case (.off, _): .unavailable
      case (_, false): .off
      case (let mfa, true): .on(backupCodesLeft: holder.backupCodesLeft, isRequired: mfa == .required)
      }
    page.logoutURL = "\(issuer)/logout"
    page.identities = overview.identities.map { identity in
      page.identity(
        id: identity.id.description, app: identity.clientName, nickname: identity.nickname,
        since: moment(identity.createdAt))
    }
    page.sessions = overview.sessions.map { session in
      page.session(
        id: session.id.description, app: session.clientName, since: moment(session.authTime),
        isCurrent: session.id == holder.session)
    }
    page.consents = overview.consents.map { consent in
      page.consent(id: consent.client.canonical, client: consent.clientName, scopes: consent.scopes)
    }
    return page
  }

  /// `2026-03-01 09:30 UTC`: without a script nobody knows the person's own clock.
  private static func moment(_ date: Date) -> String {
    let text = Timestamp.text(date)
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
  }
}
