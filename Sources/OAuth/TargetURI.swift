/// An `http` or `https` URI without query and fragment, in the one spelling of RFC 3986 section 6.2: for comparing the `htu` of a DPoP
/// proof with the address that was asked (RFC 9449 section 4.3).
public struct TargetURI: Sendable, Equatable {
  /// The normalised text.
  public let text: String

  /// Reads and normalises an absolute URI; `nil` for what is none.
  public init?(_ uri: String) {
    guard let address = WebAddress(uri), address.scheme == "https" || address.scheme == "http",
      let authority = uri.firstRange(of: "://")
    else { return nil }
    let rest = uri[authority.upperBound...].drop { $0 != "/" && $0 != "?" && $0 != "#" }
    guard let path = Self.normalised(rest.prefix { $0 != "?" && $0 != "#" }) else { return nil }
    let isDefaultPort = address.port == nil || address.port == (address.scheme == "https" ? 443 : 80)
    let host = address.host.contains(":") ? "[\(address.host)]" : address.host
    text = "\(address.scheme)://\(host)\(isDefaultPort ? "" : ":\(address.port ?? 0)")\(path)"
  }

  /// A path whose escapes stand for what must be escaped only, in upper case; `nil` where a percent sign has no two digits.
  private static func normalised(_ path: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(path.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
      let escaped = high << 4 | low
      if isUnreserved(escaped) {
        bytes.append(escaped)
      } else {
        bytes += [0x25, upper(high), upper(low)]
      }
    }
    return bytes.isEmpty ? "/" : String(decoding: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
  }

  private static func upper(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x37 + digit }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
    default: false
    }
  }
}
