import JSON
import Secrets

/// A JWS in its compact form, taken apart and not yet believed (RFC 7515 section 7.1).
struct CompactJWS: Sendable {
  /// The JOSE header; without `crit`, which names extensions that nobody here understands.
  let header: JSONObject
  let payload: [UInt8]
  let signature: [UInt8]
  /// What the signature is over.
  let signed: [UInt8]

  /// Reads three parts of canonical base64url; `nil` for everything else, and for a text of more than `longest` bytes.
  init?(_ text: String, longest: Int = 8192) {
    let utf8 = text.utf8
    guard utf8.count <= longest else { return nil }
    let parts = utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
    guard parts.count == 3, let headerBytes = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
      let signature = Base64URL.decode(parts[2]),
      let header = (try? JSONValue(parsing: headerBytes, depth: 4))?.object, header["crit"] == nil
    else { return nil }
    self.header = header
    self.payload = payload
    self.signature = signature
    signed = Array(utf8.prefix(parts[0].count + 1 + parts[1].count))
  }

  /// The payload as a claims set (RFC 7519 section 4); `nil` when it is none.
  var claims: JSONObject? { (try? JSONValue(parsing: payload, depth: 8))?.object }
}

extension JSONValue {
  /// A `NumericDate` in seconds of the Unix epoch (RFC 7519 section 2).
  var seconds: Double? {
    guard case .number(let text) = self, let seconds = Double(text), seconds.isFinite else { return nil }
    return seconds
  }
}
