import Crypto
import CryptoExtras
import FoundationEssentials
import JSON
import Observability

/// Data that WeChat encrypted for us and the miniapp passed on (WeChat: open data, `encryptedData` and `iv`).
///
/// It proves nothing about who is signed in: the login identity comes from the code alone.
public struct EncryptedData: Sendable {
  /// Not acceptable. It never says why: a difference would tell an attacker about the padding.
  public struct Refused: Error, Equatable {}

  private let data: String
  private let iv: String

  /// The two base64 texts as they came.
  public init(data: String, iv: String) {
    self.data = data
    self.iv = iv
  }

  /// Decrypts (AES-128-CBC, PKCS#7) and checks the watermark.
  /// - Parameters:
  ///   - sessionKey: of the login attempt the data belongs to.
  ///   - openid: what an `openId` inside must be equal to; `nil` to leave it to the caller.
  ///   - window: how far the watermark's time may be from `now`, in either direction.
  /// - Throws: `Refused`: the miniapp calls wx.login and asks again.
  public func open(
    sessionKey: Secret<String>, appID: String, openid: String?, now: Date, window: Duration = .seconds(300)
  ) throws(Refused) -> JSONObject {
    guard let key = LenientBase64.bytes(sessionKey.expose()), key.count == 16, let iv = LenientBase64.bytes(iv),
      let data = LenientBase64.bytes(data), data.count <= 64 << 10,
      let padded = AESCBC.decrypted(data, key: key, iv: iv)
    else { throw Refused() }
    let padding = Padding.length(padded, block: 16)
    // Bad padding is read on like good padding, so that both take the same time.
    let object = LenientJSON.object(Array(padded.dropLast(padding ?? 0)))
    let watermark = object?["watermark"]?.object
    let isOurs = watermark?["appid"]?.string == appID
    let isRecent =
      watermark?.looseInteger("timestamp").map {
        abs(now.timeIntervalSince1970 - Double($0)) <= Double(window.components.seconds)
      } ?? false
    let isTheirs = openid == nil || object?["openId"] == nil || object?["openId"]?.string == openid
    guard let object, padding != nil, isOurs, isRecent, isTheirs else { throw Refused() }
    return object
  }
}

/// AES in CBC mode without padding, of 16- or 32-byte keys.
enum AESCBC {
  /// The plain bytes, padding included; `nil` when the lengths do not fit.
  static func decrypted(_ bytes: [UInt8], key: [UInt8], iv: [UInt8]) -> [UInt8]? {
    guard !bytes.isEmpty, bytes.count % 16 == 0, let iv = try? AES._CBC.IV(ivBytes: iv) else { return nil }
    return (try? AES._CBC.decrypt(bytes, using: SymmetricKey(data: key), iv: iv, noPadding: true)).map(Array.init)
  }

  /// The encrypted bytes; `nil` when the lengths do not fit.
  static func encrypted(_ bytes: [UInt8], key: [UInt8], iv: [UInt8]) -> [UInt8]? {
    guard bytes.count % 16 == 0, let iv = try? AES._CBC.IV(ivBytes: iv) else { return nil }
    return (try? AES._CBC.encrypt(bytes, using: SymmetricKey(data: key), iv: iv, noPadding: true)).map(Array.init)
  }
}

/// PKCS#7 padding (RFC 5652 section 6.3), with WeChat's two block sizes.
enum Padding {
  /// How many bytes at the end are padding; `nil` when it is wrong. Every byte of the last block is looked at.
  static func length(_ bytes: [UInt8], block: Int) -> Int? {
    guard let last = bytes.last else { return nil }
    var isWrong = last == 0 || Int(last) > block || Int(last) > bytes.count
    for (distance, byte) in bytes.suffix(block).reversed().enumerated() where distance < Int(last) {
      isWrong = isWrong || byte != last
    }
    return isWrong ? nil : Int(last)
  }

  /// The bytes with padding up to a multiple of `block`.
  static func added(to bytes: [UInt8], block: Int) -> [UInt8] {
    let count = block - bytes.count % block
    return bytes + [UInt8](repeating: UInt8(count), count: count)
  }
}
