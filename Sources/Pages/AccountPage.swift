/// What a signed-in person sees and changes of their own account.
///
/// Every form is a POST to `action` with `csrf`, an `operation` (`unlink`, `end_session`, `end_all_sessions`, `revoke_consent`,
/// `change_password`, `mfa_begin`, `mfa_disable`, `mfa_backup_codes`) and, where one of several is meant, its `id`.
public struct AccountPage: HostedPage {
  /// What is reported of the last form.
  public enum Notice: String, Sendable, CaseIterable {
    /// A WeChat account is off.
    case unlinked
    /// A WeChat account is on.
    case linked
    /// A session has ended.
    case sessionEnded = "session_ended"
    /// A client has lost its consent.
    case consentRevoked = "consent_revoked"
    /// There is a new password.
    case passwordChanged = "password_changed"
    /// The second factor is off.
    case mfaOff = "mfa_off"
    /// It is still them: what they wanted can be done now.
    case confirmed
    /// Nothing to sign in with would be left.
    case lastCredential = "last_credential"
    /// The WeChat account is of another user.
    case linkedElsewhere = "linked_elsewhere"
    /// The current password is wrong.
    case wrongPassword = "wrong_password"
    /// The new password is too short or too long.
    case weakPassword = "weak_password"
    /// Too many wrong passwords.
    case locked
    /// Passwords cannot be checked just now.
    case busy

    /// True for what did not work.
    var isFault: Bool {
      switch self {
      case .lastCredential, .linkedElsewhere, .wrongPassword, .weakPassword, .locked, .busy: true
      default: false
      }
    }
  }

  /// One line of a list; the texts are ready to show.
  public struct Entry: Sendable {
    /// Sent back as `id`.
    public let id: String
    /// What it is.
    public let title: String
    /// Since when, or from where.
    public let detail: String
    /// True for the session of this browser.
    public var isCurrent = false

    /// A line.
    public init(id: String, title: String, detail: String, isCurrent: Bool = false) {
      self.id = id
      self.title = title
      self.detail = detail
      self.isCurrent = isCurrent
    }
  }

  /// The state of the second factor.
  public enum SecondFactor: Sendable {
    /// The identity application has none.
    case unavailable
    /// Not enrolled.
    case off
    /// Enrolled; `isRequired` when the identity application does not let it be turned off.
    case on(backupCodesLeft: Int, isRequired: Bool)
  }

  /// Language and look.
  public let frame: PageFrame
  /// Where the forms are sent.
  public var action: String
  /// The token that proves a form is of this browser's page.
  public var token: FormToken
  /// The name to show.
  public var name: String?
  /// The login name.
  public var username: String?
  /// The phone number.
  public var phoneNumber: String?
  /// The e-mail address.
  public var email: String?
  /// Linked WeChat accounts.
  public var identities: [Entry] = []
  /// Where linking another one begins.
  public var linkURL: String?
  /// Live sessions.
  public var sessions: [Entry] = []
  /// Clients with consent.
  public var consents: [Entry] = []
  /// False for a person without a password.
  public var hasPassword = false
  /// The second factor.
  public var secondFactor = SecondFactor.unavailable
  /// Where signing out begins.
  public var logoutURL: String?
  /// What is reported.
  public var notice: Notice?

  /// An account page.
  public init(frame: PageFrame, action: String, token: FormToken) {
    self.frame = frame
    self.action = action
    self.token = token
  }

  /// The content of `<meta name="qiao-page">`.
  public var marker: String { "account" }
  /// The title.
  public var title: String { say(Phrases.account) }
  /// As wide as a desk.
  public var isWide: Bool { true }
}
