import Federation
import Testing
import WeChat

@Suite("links to WeChat's pages")
struct OpenPagesTests {
  private func address(_ page: BrowserAuthorization.Page, isEnglish: Bool = false) -> String {
    OpenPages(baseURL: "https://open.weixin.qq.com").address(
      of: BrowserAuthorization(
        page: page, appID: "wx1", redirectURI: "https://id.example/t/a/i/b/wechat/callback/1?x=ü", state: "ab12",
        isEnglish: isEnglish))
  }

  private let redirect = "https%3A%2F%2Fid.example%2Ft%2Fa%2Fi%2Fb%2Fwechat%2Fcallback%2F1%3Fx%3D%C3%BC"

  @Test("inside WeChat the parameters stand in WeChat's order and nothing stands between state and fragment")
  func insideApp() {
    #expect(
      address(.insideApp, isEnglish: true)
        == "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1&redirect_uri=\(redirect)&response_type=code"
        + "&scope=snsapi_userinfo&state=ab12#wechat_redirect")
  }

  @Test("the QR page is told the language, and in a frame to come back to the whole window")
  func qr() {
    let begin =
      "https://open.weixin.qq.com/connect/qrconnect?appid=wx1&redirect_uri=\(redirect)&response_type=code"
      + "&scope=snsapi_login&state=ab12"
    #expect(address(.qr) == "\(begin)&lang=cn#wechat_redirect")
    #expect(
      address(.framedQR, isEnglish: true)
        == "\(begin)&lang=en&self_redirect=false&login_type=jssdk&stylelite=1#wechat_redirect")
  }

  @Test("the origin is the base without a path")
  func origin() {
    #expect(OpenPages(baseURL: "https://open.weixin.qq.com").origin == "https://open.weixin.qq.com")
    #expect(OpenPages(baseURL: "http://127.0.0.1:9180/wechat").origin == "http://127.0.0.1:9180")
  }
}
