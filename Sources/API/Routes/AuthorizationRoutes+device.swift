import HTTPTypes
import Hummingbird
import Identity
import OAuth
import Observability
import Pages
import Secrets

extension AuthorizationRoutes {
  /// The page that takes a device's code; `verification_uri_complete` fills it in, and the person still has to send it.
  @Sendable func devicePage(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, _ in
      var page = devicePage(call, request)
      page.userCode = String((call.fields["user_code"] ?? "").prefix(20))
      return .page(page)
    }
  }

  /// Takes the code.
  @Sendable func device(_ request: Request, _ context: TenantContext) async throws -> Response {
    try await page(request, context) { call, visit in
      guard Digest.equal(Array((call.fields["csrf"] ?? "").utf8), Array(Self.deviceToken(call).utf8)) else {
        throw OAuthRefusal.oauth(
          OAuthError(.invalidRequest, "this form has expired or belongs to another browser: open the page again"))
      }
      let typed = call.fields["user_code"] ?? ""
      var page = devicePage(call, request)
      switch try await devices.enter(typed, address: context.remoteAddress, visit, in: call.database) {
      case .found(let outcome): return answer(outcome, call)
      case .unknown:
        page.isWrong = true
        page.userCode = String(typed.prefix(20))
        return .page(page, .badRequest)
      case .locked:
        page.isLocked = true
        var response = Response.page(page, .tooManyRequests)
        response.headers[.retryAfter] = String(DeviceSignIn.lockSeconds)
        return response
      }
    }
  }

  private func devicePage(_ call: Call, _ request: Request) -> DevicePage {
    DevicePage(
      frame: Self.frame(call.issuer, call.fields["ui_locales"], request), action: "\(call.issuer.issuer)/device",
      token: FormToken(Self.deviceToken(call)))
  }

  /// Only this browser's cookie makes it.
  private static func deviceToken(_ call: Call) -> String {
    Base64URL.string(Digest.sha256("device \(call.browser.value.expose())".utf8))
  }
}
