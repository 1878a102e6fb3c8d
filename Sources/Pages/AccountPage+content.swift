extension AccountPage {
  /// What stands in the card.
  public var content: HTML {
    let report: HTML? = notice.flatMap { notice in
      Phrases.notices[notice].map { notice.isFault ? .alert(say($0)) : .status(say($0)) }
    }
    let logout: HTML? = logoutURL.map { "<nav><a href=\"\($0)\">\(say(Phrases.logoutButton))</a></nav>" }
    return "<h1>\(title)</h1>\(report)\(profile)\(weChat)\(sessionList)\(consentList)\(password)\(twoStep)\(logout)"
  }

  private var profile: HTML {
    let rows = [
      (Phrases.displayName, name), (Phrases.loginName, username), (Phrases.phone, phoneNumber), (Phrases.email, email),
    ]
    let lines = rows.compactMap { label, value -> HTML? in
      value.map { "<dt>\(say(label))</dt><dd>\($0)</dd>" }
    }
    return "<section><h2>\(say(Phrases.profile))</h2><dl>\(lines)</dl></section>"
  }

  private var weChat: HTML {
    let link: HTML? = linkURL.map {
      "<p><a class=\"button wechat inline\" href=\"\($0)\">\(HTML.weChatMark)<span>\(say(Phrases.linkWeChat))</span></a></p>"
    }
    return """
      <section><h2>\(say(Phrases.identities))</h2><p class="soft small">\(say(Phrases.identitiesHint))</p>
      \(list(identities, "unlink", Phrases.unlink, empty: Phrases.noIdentities))\(link)</section>
      """
  }

  private var sessionList: HTML {
    let all: HTML? =
      sessions.count > 1
      ? form("end_all_sessions", body: "<button class=\"danger inline\">\(say(Phrases.endAll))</button>") : nil
    return """
      <section><h2>\(say(Phrases.sessions))</h2>\(list(sessions, "end_session", Phrases.endSession, empty: nil))\(all)</section>
      """
  }

  private var consentList: HTML {
    """
    <section><h2>\(say(Phrases.consents))</h2>
    \(list(consents, "revoke_consent", Phrases.revoke, empty: Phrases.noConsents))</section>
    """
  }

  private var password: HTML? {
    guard hasPassword else { return nil }
    let fields: HTML = """
      <label for="current_password">\(say(Phrases.currentPassword))</label>
      <input id="current_password" name="current_password" type="password" autocomplete="current-password" maxlength="1024" required>
      <label for="new_password">\(say(Phrases.newPassword))</label>
      <input id="new_password" name="new_password" type="password" autocomplete="new-password" minlength="8" maxlength="1024" aria-describedby="new_password_hint" required>
      <p class="soft small" id="new_password_hint">\(say(Phrases.newPasswordHint))</p>
      <button class="inline">\(say(Phrases.changePassword))</button>
      """
    return "<section><h2>\(say(Phrases.passwordTitle))</h2>\(form("change_password", body: fields))</section>"
  }

  private var twoStep: HTML? {
    let body: HTML
    switch secondFactor {
    case .unavailable: return nil
    case .off:
      let button: HTML = "<button class=\"inline\">\(say(Phrases.turnOn))</button>"
      body = "<p class=\"soft small\">\(say(Phrases.twoStepOff))</p>\(form("mfa_begin", body: button))"
    case .on(let left, let isRequired):
      let codes: HTML = "<button class=\"plain inline\">\(say(Phrases.newBackupCodes))</button>"
      let off: HTML = "<button class=\"danger inline\">\(say(Phrases.turnOff))</button>"
      body = """
        <p class="soft small">\(say(Phrases.twoStepOn)) \(left)</p>\(form("mfa_backup_codes", body: codes))\
        \(isRequired ? nil : form("mfa_disable", body: off))
        """
    }
    return "<section><h2>\(say(Phrases.twoStep))</h2>\(body)</section>"
  }

  private func list(_ entries: [Entry], _ operation: String, _ button: Phrase, empty: Phrase?) -> HTML {
    guard !entries.isEmpty else { return "<p class=\"soft\">\(empty.map(say) ?? "")</p>" }
    let rows = entries.map { entry -> HTML in
      let badge: HTML? = entry.isCurrent ? " · \(say(Phrases.thisBrowser))" : nil
      // The label names its line, so that ten equal buttons are ten different ones to a screen reader.
      let press: HTML = """
        \(HTML.hidden("id", entry.id))<button class="plain" aria-label="\(say(button)): \(entry.title)">\(say(button))</button>
        """
      return """
        <li><div><strong>\(entry.title)\(badge)</strong><span>\(entry.detail)</span></div>\(form(operation, body: press))</li>
        """
    }
    return "<ul class=\"list\">\(rows)</ul>"
  }

  private func form(_ operation: String, body: HTML) -> HTML {
    """
    <form method="post" action="\(action)">\(HTML.hidden(token))\(HTML.hidden("operation", operation))\(body)</form>
    """
  }
}
