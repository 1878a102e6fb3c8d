import Federation
import FoundationEssentials
import JSON
import OAuth
import Observability
import Secrets
import Tenancy

/// What makes the answer to a WeChat code again when the same code comes a second time within 10 s.
///
/// It lies sealed in the row of the exchange: it holds the secret of a refresh token or a ticket.
enum ExchangeSeed: Sendable {
  /// The person was signed in.
  case authenticated(PlannedSession, created: Bool)
  /// The person is unknown; the text of the bind ticket.
  case registrationRequired(ticket: String)
  /// The person owes a second factor; the text of the ticket.
  case mfaRequired(ticket: String)
  /// SiX's wire form, known person: the text of the `federateCode`.
  case federateCode(String)
  /// WeChat refused, or the person lacks something that only they can get elsewhere.
  case refused(ProviderFailure)
  /// The code was good, and the person it stands for may not come in.
  case keptOut(Bar)
  /// A browser's, for the authorization it was begun with and for no other: a stolen code gets nothing of its answer.
  case browser(UUID, BrowserStep)

  /// How a browser went on.
  enum BrowserStep: Sendable {
    /// With a session; the value of its cookie.
    case signedIn(cookie: String)
    /// As a newcomer; the text of the bind ticket.
    case newcomer(ticket: String)
    /// Not at all: the directory takes nobody new (true), or the user is disabled.
    case keptOut(isClosed: Bool)
    /// With the identity linked, or not because it is another user's.
    case linked(Bool)
  }

  /// What keeps a person out.
  enum Bar: String, Sendable {
    case userDisabled = "user_disabled"
    case enrollmentClosed = "enrollment_closed"
    case snapshotUser = "wechat_snapshot_user"
  }

  /// The JSON that is sealed.
  var bytes: [UInt8] {
    JSONWriter.object { json in
      switch self {
      case .authenticated(let plan, let created):
        json.member("o", "authenticated")
        json.member("session", plan.session.description)
        json.member("token", plan.refreshToken.text)
        json.member("scope", plan.scope.text)
        json.member("at", Int(plan.issuedAt.timeIntervalSince1970))
        json.member("created", created)
      case .registrationRequired(let ticket):
        json.member("o", "registration_required")
        json.member("ticket", ticket)
      case .mfaRequired(let ticket):
        json.member("o", "mfa_required")
        json.member("ticket", ticket)
      case .federateCode(let code):
        json.member("o", "federate_code")
        json.member("code", code)
      case .refused(let failure):
        json.member("o", "refused")
        json.member("code", failure.code)
        json.member("status", failure.status)
        if let errcode = failure.errcode { json.member("errcode", errcode) }
        json.member("detail", failure.detail)
        json.member("detail_zh", failure.detailZH)
        if let seconds = failure.retryAfter { json.member("retry_after", seconds) }
      case .keptOut(let bar):
        json.member("o", "kept_out")
        json.member("bar", bar.rawValue)
      case .browser(let authorization, let step):
        json.member("o", "browser")
        json.member("authorization", authorization.canonical)
        switch step {
        case .signedIn(let cookie): json.member("cookie", cookie)
        case .newcomer(let ticket): json.member("ticket", ticket)
        case .keptOut(let isClosed): json.member("closed", isClosed)
        case .linked(let isLinked): json.member("linked", isLinked)
        }
      }
    }
  }

  /// Reads what `bytes` gave; `nil` for anything else.
  init?(_ bytes: [UInt8]) {
    guard let object = (try? JSONValue(parsing: bytes))?.object else { return nil }
    switch object["o"]?.string {
    case "authenticated":
      guard let session = object["session"]?.string.flatMap({ ID<Session>($0) }),
        let token = object["token"]?.string.flatMap({ RefreshToken($0) }),
        let scope = object["scope"]?.string.flatMap({ Scope(parsing: $0) }), let at = object["at"]?.integer,
        let created = object["created"]?.boolean
      else { return nil }
      let plan = PlannedSession(
        session: session, refreshToken: token, scope: scope, issuedAt: Date(timeIntervalSince1970: Double(at)))
      self = .authenticated(plan, created: created)
    case "registration_required":
      guard let ticket = object["ticket"]?.string else { return nil }
      self = .registrationRequired(ticket: ticket)
    case "mfa_required":
      guard let ticket = object["ticket"]?.string else { return nil }
      self = .mfaRequired(ticket: ticket)
    case "federate_code":
      guard let code = object["code"]?.string else { return nil }
      self = .federateCode(code)
    case "refused":
      guard let code = object["code"]?.string, let status = object["status"]?.integer,
        let detail = object["detail"]?.string, let detailZH = object["detail_zh"]?.string
      else { return nil }
      self = .refused(
        ProviderFailure(
          code: code, status: status, errcode: object["errcode"]?.integer, retry: .relogin, detail: detail,
          detailZH: detailZH, retryAfter: object["retry_after"]?.integer))
    case "kept_out":
      guard let bar = object["bar"]?.string.flatMap(Bar.init) else { return nil }
      self = .keptOut(bar)
    case "browser":
      guard let authorization = object["authorization"]?.string.flatMap({ UUID(canonical: $0) }),
        let step = BrowserStep(object)
      else { return nil }
      self = .browser(authorization, step)
    default: return nil
    }
  }
}

extension ExchangeSeed.BrowserStep {
  fileprivate init?(_ object: JSONObject) {
    if let cookie = object["cookie"]?.string {
      self = .signedIn(cookie: cookie)
    } else if let ticket = object["ticket"]?.string {
      self = .newcomer(ticket: ticket)
    } else if let isClosed = object["closed"]?.boolean {
      self = .keptOut(isClosed: isClosed)
    } else if let isLinked = object["linked"]?.boolean {
      self = .linked(isLinked)
    } else {
      return nil
    }
  }
}
