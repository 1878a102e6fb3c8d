extension AccountPage {
  /// The line of a linked WeChat account; `app` is where it came by, `since` a moment ready to show.
  public func identity(id: String, app: String?, nickname: String?, since: String) -> Entry {
    let title = [nickname, app].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " · ")
    return Entry(
      id: id, title: title.isEmpty ? say(Phrases.identities) : title, detail: "\(say(Phrases.linkedSince)) \(since)")
  }

  /// The line of a session; `app` is `nil` for a browser's.
  public func session(id: String, app: String?, since: String, isCurrent: Bool) -> Entry {
    Entry(
      id: id, title: app ?? say(Phrases.browser), detail: "\(say(Phrases.signedInAt)) \(since)", isCurrent: isCurrent)
  }

  /// The line of a client with consent; standard scopes are said in words, others by their name.
  public func consent(id: String, client: String, scopes: [String]) -> Entry {
    let words = scopes.map { Phrases.scopes[$0].map(say) ?? $0 }
    return Entry(id: id, title: client, detail: words.joined(separator: frame.language == .chinese ? "、" : ", "))
  }
}
