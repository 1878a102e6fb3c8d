import Crypto
import CryptoExtras
import FoundationEssentials
import JSON

/// What `wx.getUserInfo` gives a miniapp: the signed plain form and the encrypted one, under the session key of the moment.
struct OpenData {
  let encryptedData: String
  let iv: String
  let rawData: String
  let signature: String

  /// AES-128-CBC with PKCS #7 under the decoded session key; `rawData` signed by SHA-1 over itself and the key's text.
  static func userInfo(of person: Person, in app: App, sessionKey: String, at now: Int) throws -> OpenData? {
    guard let key = Base64.decode(sessionKey) else { return nil }
    func write(_ json: inout JSONWriter) {
      json.member("nickName", person.nickname)
      json.member("gender", 0)
      json.member("language", "zh_CN")
      json.member("city", "")
      json.member("province", "")
      json.member("country", "")
      json.member("avatarUrl", person.avatarURL)
    }
    let raw = String(decoding: JSONWriter.object(write), as: UTF8.self)
    let plain = JSONWriter.object { json in
      json.member("openId", Names.openid(person.id, appID: app.id))
      write(&json)
      if let account = app.openPlatformAccount { json.member("unionId", Names.unionid(person.id, account: account)) }
      json.key("watermark")
      json.beginObject()
      json.member("timestamp", now)
      json.member("appid", app.id)
      json.endObject()
    }
    let iv = AES._CBC.IV()
    let sealed = try AES._CBC.encrypt(plain, using: SymmetricKey(data: key), iv: iv)
    let digest = Insecure.SHA1.hash(data: Array((raw + sessionKey).utf8))
    return OpenData(
      encryptedData: Base64.encode(Array(sealed)), iv: Base64.encode(Array(iv)), rawData: raw,
      signature: Hexadecimal.encode(digest))
  }
}
