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
  /// SiX's wire form, known person: the text of the `federateCode`.
  case federateCode(String)
  /// WeChat consumed the code and refused.
  case refused(ProviderFailure)

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
          detailZH: detailZH))
    default: return nil
    }
  }
}
