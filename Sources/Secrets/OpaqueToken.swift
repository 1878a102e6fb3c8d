import FoundationEssentials
import Observability

/// A bearer secret that carries the id of its row: `prefix_` and base64url of id (16 bytes), then secret.
///
/// The id finds the row (and its partition) by primary key; the secret proves the right to it and is stored only as a hash.
public struct OpaqueToken: Sendable {
  /// What stands before the underscore, for people and secret scanners.
  public let prefix: String
  /// The row.
  public let id: UUID
  /// The proof, at least 32 bytes.
  public let secret: Secret<[UInt8]>

  /// A token of known parts.
  public init(prefix: String, id: UUID, secret: [UInt8]) {
    self.prefix = prefix
    self.id = id
    self.secret = Secret(secret)
  }

  /// A new token for a new row with 32 random bytes.
  public static func make(prefix: String, id: UUID = UUIDv7.make()) -> OpaqueToken {
    OpaqueToken(prefix: prefix, id: id, secret: RandomBytes.make(32))
  }

  /// Reads a token somebody presented; `nil` when it cannot be one of ours.
  public init?(_ text: String, prefix: String, secretLength: Int = 32) {
    let utf8 = text.utf8
    guard utf8.count < 256, text.hasPrefix(prefix + "_"),
      let bytes = Base64URL.decode(utf8.dropFirst(prefix.utf8.count + 1)), bytes.count == 16 + secretLength,
      let id = UUID(bytes: bytes[..<16])
    else { return nil }
    self.init(prefix: prefix, id: id, secret: Array(bytes[16...]))
  }

  /// What is handed out, once.
  public var text: Secret<String> {
    secret.map { "\(prefix)_" + Base64URL.string(id.bytes + $0) }
  }

  /// What is stored: SHA-256 of the secret, 32 bytes.
  public var hash: [UInt8] { Digest.sha256(secret.expose()) }
}
