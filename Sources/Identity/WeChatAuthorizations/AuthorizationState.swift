import FoundationEssentials
import Observability
import Secrets

/// The `state` that a browser carries to WeChat and back: its row and 32 random bytes as 96 hexadecimal digits, because WeChat
/// takes at most 128 letters and digits (wechat: web OAuth, `state`).
struct AuthorizationState: Sendable {
  /// The row and the proof.
  let token: OpaqueToken

  private static let prefix = "state"
  private static let digits = Array("0123456789abcdef".utf8)

  /// A new state.
  static func make() -> AuthorizationState { AuthorizationState(token: .make(prefix: prefix)) }

  /// What travels.
  var text: Secret<String> {
    token.secret.map { secret in
      String(
        decoding: (token.id.bytes + secret).flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] },
        as: UTF8.self)
    }
  }

  private init(token: OpaqueToken) { self.token = token }

  /// Reads what a browser brought back; `nil` when it cannot be one of ours.
  init?(_ text: String) {
    let values = text.utf8.prefix(97).compactMap { digit in Self.digits.firstIndex(of: digit).map { UInt8($0) } }
    guard text.utf8.count == 96, values.count == 96 else { return nil }
    let bytes = stride(from: 0, to: 96, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    guard let id = UUID(bytes: bytes[..<16]) else { return nil }
    token = OpaqueToken(prefix: Self.prefix, id: id, secret: Array(bytes[16...]))
  }
}
