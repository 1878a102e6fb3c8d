import FoundationEssentials
import JSON
import Query
import Secrets

/// What asking WeChat about one identity came to.
struct Finding: Sendable {
  /// What WeChat said.
  enum Answer: Sendable {
    /// The profile, as a patch of the user.
    case profile(ProfilePatch, unionid: String?, openPlatformAccount: String?, raw: JSONText)
    /// No profile.
    case none(Reconciliation.Situation, errcode: Int?)
  }

  /// What becomes of the stored grant.
  enum Token: Sendable {
    case keep
    case replace([UInt8])
    /// It is dead, and only the person can give another.
    case drop
  }

  let identity: UUID
  let answer: Answer
  let token: Token
}

extension [Finding] {
  /// The form `StoreFindings` reads: a JSON array, one object an identity; members that are absent are NULL there.
  ///
  /// One parameter instead of twenty arrays, because most of them would hold NULLs.
  var recordset: JSONText {
    var json = JSONWriter(capacity: count * 400)
    json.beginArray()
    for finding in self { finding.write(to: &json) }
    json.endArray()
    return JSONText(utf8: json.bytes)
  }
}

extension Finding {
  fileprivate func write(to json: inout JSONWriter) {
    json.beginObject()
    json.member("id", identity.canonical)
    switch answer {
    case .none(let situation, let errcode):
      json.member("situation", situation.rawValue)
      if let errcode { json.member("errcode", errcode) }
    case .profile(let patch, let unionid, let account, let raw):
      // Ids of the audit events, should there be something to record.
      json.member("profile_event", UUIDv7.make().canonical)
      json.member("unionid_event", UUIDv7.make().canonical)
      json.member("unionid", unionid)
      json.member("account", account)
      json.member("username", patch.username.always)
      json.member("username_if_empty", patch.username.ifEmpty)
      json.member("name", patch.name.always)
      json.member("name_if_empty", patch.name.ifEmpty)
      json.member("picture", patch.picture.always)
      json.member("picture_if_empty", patch.picture.ifEmpty)
      json.member("attributes", raw: patch.attributesAlways.utf8)
      json.member("attributes_if_empty", raw: patch.attributesIfEmpty.utf8)
      json.member("profile", raw: raw.utf8)
    }
    switch token {
    case .keep: break
    case .replace(let sealed): json.member("token", Data(sealed).base64EncodedString())
    case .drop: json.member("drops_token", true)
    }
    json.endObject()
  }
}
