import Crypto
import FoundationEssentials

/// A file that pages refer to; its name holds its hash, so that it can be kept for ever.
public struct PageAsset: Sendable {
  /// The name below the assets' address.
  public let name: String
  /// The media type.
  public let contentType: String
  /// The bytes.
  public let bytes: [UInt8]

  /// `Cache-Control` of every asset: a year, unchanging (RFC 8246).
  public static let cacheControl = "public, max-age=31536000, immutable"

  /// The style of all pages.
  public static let stylesheet = PageAsset("css", "text/css; charset=utf-8", Stylesheet.text)
  /// Submits the form of `FormPostPage`.
  public static let submit = PageAsset("js", "text/javascript; charset=utf-8", "document.forms[0].submit();\n")

  /// All of them.
  public static let all = [stylesheet, submit]

  /// The asset of this name.
  public static func named(_ name: String) -> PageAsset? { all.first { $0.name == name } }

  private init(_ suffix: String, _ contentType: String, _ text: String) {
    bytes = Array(text.utf8)
    self.contentType = contentType
    let hash = SHA256.hash(data: bytes).prefix(8).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    name = "\(hash.joined()).\(suffix)"
  }
}
