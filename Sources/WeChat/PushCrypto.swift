import Crypto
import FoundationEssentials
import Observability

/// Verifies, opens and seals WeChat's pushes (WeChat: message push, safe mode).
///
/// In plain mode WeChat signs the query and not the body, so there is no way here to accept a plain body.
public struct PushCrypto: Sendable {
  /// Not acceptable. It never says why: a difference would tell an attacker about signature or padding.
  public struct Refused: Error, Equatable {}

  /// What was inside, and the key that opened it.
  public struct Opened: Sendable, Equatable {
    /// XML or JSON, as configured.
    public let message: [UInt8]
    /// Which of the keys fits: replies use the same.
    public let key: Int
  }

  /// The fields of an encrypted reply.
  public struct Reply: Sendable, Equatable {
    /// Base64.
    public let encrypt: String
    /// Lower-case hexadecimal.
    public let msgSignature: String
    /// Unix seconds.
    public let timestamp: String
    /// The nonce of the push.
    public let nonce: String
  }

  private let token: Secret<String>
  private let keys: [Secret<[UInt8]>]
  private let receiver: String

  /// The push settings of one app.
  /// - Parameters:
  ///   - encodingAESKeys: 43 characters each, the newest first; an older one stays for a while after it was replaced.
  ///   - receiver: whom pushes are for: the AppID, of a third-party platform the component's.
  /// - Returns: `nil` when there is no key or one is malformed.
  public init?(token: Secret<String>, encodingAESKeys: [Secret<String>], receiver: String) {
    var keys: [Secret<[UInt8]>] = []
    for text in encodingAESKeys {
      guard text.expose().utf8.count == 43, let key = LenientBase64.bytes(text.expose()), key.count == 32 else {
        return nil
      }
      keys.append(Secret(key))
    }
    guard !keys.isEmpty, !receiver.isEmpty else { return nil }
    self.token = token
    self.keys = keys
    self.receiver = receiver
  }

  /// True when the GET that verifies the URL comes from WeChat: then the answer is the bytes of `echostr`.
  public func verifiesURL(signature: String, timestamp: String, nonce: String) -> Bool {
    ConstantTime.equal(Self.signature(of: [token.expose(), timestamp, nonce]), signature)
  }

  /// True when `signature` is the plain one: it covers the query and not the body.
  static func signs(_ signature: String, token: Secret<String>, timestamp: String, nonce: String) -> Bool {
    ConstantTime.equal(Self.signature(of: [token.expose(), timestamp, nonce]), signature)
  }

  /// Verifies `msg_signature` and opens `Encrypt`.
  ///
  /// A push may come three times and in any order, which is for the caller to notice.
  /// - Parameters:
  ///   - now: the present; a push whose time is further than `window` from it is refused.
  /// - Throws: `Refused`.
  public func open(
    encrypt: String, msgSignature: String, timestamp: String, nonce: String, now: Date,
    window: Duration = .seconds(300)
  ) throws(Refused) -> Opened {
    let expected = Self.signature(of: [token.expose(), timestamp, nonce, encrypt])
    guard ConstantTime.equal(expected, msgSignature), let sent = Double(timestamp),
      abs(now.timeIntervalSince1970 - sent) <= Double(window.components.seconds),
      let bytes = LenientBase64.bytes(encrypt)
    else { throw Refused() }
    for (number, key) in keys.enumerated() {
      guard let message = frame(bytes, key: key.expose()) else { continue }
      return Opened(message: message, key: number)
    }
    throw Refused()
  }

  /// Seals a reply to a push.
  /// - Parameters:
  ///   - timestamp: Unix seconds.
  ///   - nonce: of the push.
  ///   - key: of the push, as `open` told.
  ///   - random: 16 bytes, given by tests only.
  public func seal(
    _ message: [UInt8], timestamp: String, nonce: String, key: Int = 0, random: [UInt8]? = nil
  ) -> Reply {
    var generator = SystemRandomNumberGenerator()
    let random = random ?? (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let length = UInt32(message.count)
    let big = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> UInt32($0)) }
    let aesKey = keys[key].expose()
    let plain = Padding.added(to: random + big + message + Array(receiver.utf8), block: 32)
    guard let sealed = AESCBC.encrypted(plain, key: aesKey, iv: Array(aesKey[..<16])) else {
      preconditionFailure("a key of 32 bytes encrypts whole blocks")
    }
    let encrypt = LenientBase64.text(sealed)
    let signature = Self.signature(of: [token.expose(), timestamp, nonce, encrypt])
    return Reply(encrypt: encrypt, msgSignature: signature, timestamp: timestamp, nonce: nonce)
  }

  /// The message of `random(16) + length(4, big-endian) + message + receiver`, padded to blocks of 32.
  private func frame(_ bytes: [UInt8], key: [UInt8]) -> [UInt8]? {
    guard bytes.count % 32 == 0, let padded = AESCBC.decrypted(bytes, key: key, iv: Array(key[..<16])),
      let padding = Padding.length(padded, block: 32)
    else { return nil }
    let plain = padded.dropLast(padding)
    guard plain.count >= 20 else { return nil }
    let length = plain[16..<20].reduce(0) { $0 << 8 | Int($1) }
    guard length <= plain.count - 20, plain[(20 + length)...].elementsEqual(receiver.utf8) else { return nil }
    return Array(plain[20..<20 + length])
  }

  /// SHA-1 over the parts, sorted by their bytes and joined.
  private static func signature(of parts: [String]) -> String {
    let sorted = parts.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    return Hexadecimal.text(Insecure.SHA1.hash(data: sorted.flatMap { $0 }))
  }
}
