import HTTPTypes
import Hummingbird
import Observability

/// The credential of an `Authorization: Bearer` header field (RFC 6750 section 2.1).
public enum BearerCredential {
  /// The token; `nil` when there is none, it stands twice, or it is not `1*( ALPHA / DIGIT / "-._~+/" ) *"="`.
  public static func of(_ request: Request) -> Secret<String>? {
    let values = request.headers[values: .authorization]
    guard values.count == 1 else { return nil }
    let parts = values[0].split(separator: " ", omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0].lowercased() == "bearer", (1...8192).contains(parts[1].utf8.count),
      parts[1].utf8.allSatisfy(isTokenByte)
    else { return nil }
    return Secret(String(parts[1]))
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F, 0x3D: true
    default: false
    }
  }
}
