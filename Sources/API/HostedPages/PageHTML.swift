import Foundation
import HTTPTypes
import Hummingbird
import OAuth
import Secrets

/// A page of the OpenID provider: HTML that works without scripts, under a policy that lets none in.
struct PageHTML: Sendable {
  private static let style = """
    body{font:16px/1.5 system-ui,sans-serif;max-width:22rem;margin:12vh auto;padding:0 1rem}\
    label,input,button{display:block;width:100%;box-sizing:border-box}input,button{font:inherit;padding:.6rem;margin:.2rem 0 1rem}
    """
  private static let submit = "document.forms[0].submit()"

  private static let styleSource = source(style)
  private static let submitSource = source(submit)

  private static func source(_ text: String) -> String {
    "'sha256-\(Data(Digest.sha256(text.utf8)).base64EncodedString())'"
  }

  /// Text that cannot end an element or a quoted attribute.
  static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// A hidden input.
  static func hidden(_ name: String, _ value: String) -> String {
    "<input type=\"hidden\" name=\"\(escaped(name))\" value=\"\(escaped(value))\">"
  }

  /// A page; `body` is HTML whose values are escaped already, `marker` names it for tests and tools.
  static func response(
    _ status: HTTPResponse.Status, marker: String, title: String, language: PageLanguage, body: String,
    submits: Bool = false
  ) -> Response {
    let script = submits ? "<script>\(submit)</script>" : ""
    let html = """
      <!DOCTYPE html>
      <html lang="\(language.rawValue)"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width,initial-scale=1"><meta name="qiao-page" content="\(marker)">
      <title>\(escaped(title))</title><style>\(style)</style></head><body><h1>\(escaped(title))</h1>
      \(body)\(script)</body></html>

      """
    // form-action is left out: browsers apply it to the redirect that follows a form, which leads to the client.
    let policy =
      "default-src 'none'; style-src \(styleSource); \(submits ? "script-src \(submitSource); " : "")"
      + "base-uri 'none'; frame-ancestors 'none'"
    var headers: HTTPFields = [
      .contentType: "text/html; charset=utf-8", .cacheControl: "no-store", .contentSecurityPolicy: policy,
    ]
    headers[HTTPField.Name("Referrer-Policy")!] = "no-referrer"
    headers[HTTPField.Name("X-Frame-Options")!] = "DENY"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
  }
}

/// The languages of the pages.
enum PageLanguage: String, Sendable {
  case en
  case zh = "zh-CN"

  /// By `ui_locales`, then `Accept-Language`.
  init(uiLocales: String?, _ request: Request) {
    let accepted = request.headers[.acceptLanguage]?.split(separator: ",").map { $0.prefix { $0 != ";" } } ?? []
    let asked = (uiLocales ?? "").split(separator: " ") + accepted
    let known = asked.lazy.compactMap { tag -> PageLanguage? in
      switch tag.drop { $0 == " " }.prefix(2).lowercased() {
      case "zh": .zh
      case "en": .en
      default: nil
      }
    }
    self = known.first ?? .en
  }

  /// The text in this language.
  func say(_ en: String, _ zh: String) -> String { self == .zh ? zh : en }
}
