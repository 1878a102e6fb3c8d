import FoundationEssentials
import JSON
import Query
import Secrets
import Tenancy

/// A person as WeChat authenticated them for one client: the natural key of a federated identity and what came with it.
struct Person: Sendable {
  /// WeChat's AppID.
  let appID: String
  /// The person inside that AppID.
  let openid: String
  /// The person inside the Open Platform account, where WeChat gave it.
  let unionid: String?
  /// Sealed for (AppID, openid); `nil` where WeChat gave none.
  let sessionKeySealed: [UInt8]?
  /// The grant of a sign-in in an app or a browser, sealed for (AppID, openid): what the reconciler asks with.
  var oauthTokenSealed: [UInt8]?
  /// WeChat's profile by its own names; empty after a miniapp's login, which gives none.
  var fields: [String: String] = [:]

  /// The same with the unionid that only the profile told.
  func joined(_ unionid: String) -> Person {
    Person(
      appID: appID, openid: openid, unionid: unionid, sessionKeySealed: sessionKeySealed,
      oauthTokenSealed: oauthTokenSealed, fields: fields)
  }

  /// The profile as it is kept with the identity; `nil` when there is none.
  var profile: JSONText? {
    guard !fields.isEmpty else { return nil }
    return JSONText(utf8: JSONValue.object(Self.object(fields)).text)
  }

  /// What a ticket carries beside the natural key; `nil` when there is nothing.
  var carried: [UInt8]? {
    guard oauthTokenSealed != nil || !fields.isEmpty else { return nil }
    return JSONWriter.object { json in
      json.member("oauth", oauthTokenSealed.map { Base64URL.string($0) })
      json.key("fields")
      JSONValue.object(Self.object(fields)).write(to: &json)
    }
  }

  /// Takes over what a ticket carried.
  mutating func take(carried bytes: [UInt8]) {
    guard let object = (try? JSONValue(parsing: bytes))?.object else { return }
    oauthTokenSealed = object["oauth"]?.string.flatMap { Base64URL.decode($0) }
    for (name, value) in object["fields"]?.object?.members ?? [] { fields[name] = value.string }
  }

  private static func object(_ fields: [String: String]) -> JSONObject {
    JSONObject(fields.sorted { $0.key < $1.key }.map { (name: $0.key, value: .string($0.value)) })
  }
}
