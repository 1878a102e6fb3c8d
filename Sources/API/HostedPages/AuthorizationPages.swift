import HTTPTypes
import Hummingbird
import Identity
import NIOCore
import OAuth
import Pages

/// The pages of the authorization endpoint (contract section 11).
enum AuthorizationPages {
  /// The sign-in form; `failure` is what became of the password that was sent, and the name that was typed with it.
  static func login(
    _ interaction: Interaction, action: String, failure: (fault: LoginPage.Fault, username: String)?,
    _ offer: SignInOffer, _ frame: PageFrame
  ) -> Response {
    var page = LoginPage(
      frame: frame, action: action, token: FormToken(interaction.token.expose(), name: "interaction"))
    page.clientName = interaction.clientName
    page.username = failure?.username ?? interaction.fields["login_hint"] ?? ""
    page.fault = failure?.fault ?? offer.fault
    page.weChatWays = offer.ways
    page.weChatFrame = offer.frame
    page.newcomer = offer.newcomer
    page.formTargets = targets(interaction)
    guard let failure else { return .page(page) }
    var response = Response.page(page, failure.fault == .busy ? .serviceUnavailable : .unauthorized)
    if failure.fault == .busy { response.headers[.retryAfter] = "2" }
    return response
  }

  /// The question for consent.
  static func consent(_ interaction: Interaction, action: String, _ frame: PageFrame) -> Response {
    var page = ConsentPage(
      frame: frame, action: action, token: FormToken(interaction.token.expose(), name: "interaction"),
      clientName: interaction.clientName ?? "",
      scopes: interaction.scopes)
    page.formTargets = targets(interaction)
    page.userCode = interaction.userCode
    page.userName = interaction.userName
    return .page(page)
  }

  /// An error that must not leave for the client.
  static func error(_ error: OAuthError, _ frame: PageFrame, requestID: String) -> Response {
    let isBusy = error.code == .temporarilyUnavailable
    let page = ErrorPage(frame: frame, code: error.code.rawValue, reference: requestID, detail: error.description)
    var response = Response.page(page, isBusy ? .serviceUnavailable : .badRequest)
    if isBusy { response.headers[.retryAfter] = "2" }
    return response
  }

  /// A limit or a fault of ours, or an address that is none.
  static func failed(_ problem: Problem, _ frame: PageFrame, requestID: String) -> Response {
    let code =
      switch problem.status {
      case .notFound: "not_found"
      case .tooManyRequests: "too_many_requests"
      case .serviceUnavailable: "temporarily_unavailable"
      case .forbidden: problem.code
      case let status where status.code >= 500: "server_error"
      default: "invalid_request"
      }
    let detail = frame.language == .chinese ? problem.detailZH ?? problem.detail : problem.detail
    var response = Response.page(
      ErrorPage(frame: frame, code: code, reference: requestID, detail: detail), problem.status)
    // `Retry-After`, `Allow`: what a program reads of them holds for a page, too.
    for field in problem.headers { response.headers[field.name] = field.value }
    return response
  }

  /// What WeChat or the rules of federation refused.
  static func refused(
    _ refusal: FederationRefusal, retry: String?, _ frame: PageFrame, requestID: String
  ) -> Response {
    refused(Problem(refusal), retry: retry, frame, requestID: requestID)
  }

  /// A problem as a page: the text for people, and the catalogue's for who runs the site. What is not the browser's fault is 503.
  static func refused(_ problem: Problem, retry: String?, _ frame: PageFrame, requestID: String) -> Response {
    let number = problem.wechatErrcode.map { " (\($0))" } ?? ""
    let detail = frame.language == .chinese ? problem.detailZH ?? problem.detail : problem.detail
    var page = ErrorPage(frame: frame, code: problem.code, reference: requestID, detail: detail + number)
    page.retryURL = retry
    var response = Response.page(page, problem.status.code >= 500 ? .serviceUnavailable : problem.status)
    response.headers[.retryAfter] = problem.headers[.retryAfter]
    return response
  }

  /// The response on its way back to the client.
  static func back(_ response: AuthorizationResponse, _ frame: PageFrame) -> Response {
    guard response.usesFormPost else {
      return Response(
        status: .seeOther, headers: [.location: response.location, .cacheControl: "no-store"])
    }
    return .page(FormPostPage(frame: frame, redirectURI: response.redirectURI, parameters: response.parameters))
  }

  /// Where a form may end: browsers hold the redirect after a form to the page's policy.
  private static func targets(_ interaction: Interaction) -> [String] {
    interaction.fields["redirect_uri"].map { [$0] } ?? []
  }
}

extension Response {
  /// A hosted page with its headers.
  static func page(_ page: some HostedPage, _ status: HTTPResponse.Status = .ok) -> Response {
    var headers = HTTPFields()
    for field in page.headers.fields {
      if let name = HTTPField.Name(field.name) { headers[name] = field.value }
    }
    return Response(
      status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: page.render())))
  }
}

/// The files that pages refer to; each name holds its hash.
struct PageAssetRoutes: Sendable {
  func add(to router: Router<QiaoRequestContext>) {
    router.get("assets/{name}") { _, context in
      guard let asset = context.parameters.get("name").flatMap({ PageAsset.named($0) }) else { throw Problem.notFound }
      return Response(
        status: .ok, headers: [.contentType: asset.contentType, .cacheControl: PageAsset.cacheControl],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }
  }
}
