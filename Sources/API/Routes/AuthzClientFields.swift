import Identity
import JSON
import Observability
import OAuth
import Tenancy

/// What the body of a new third-party authz client, or a patch of one, may hold.
enum AuthzClientFields {
  struct New: Sendable {
    let application: ID<IdentityApplication>
    let provider: AuthzProvider
    let settings: AuthzClientChange

    init(_ fields: inout FieldReader) {
      application = fields.required("identity_application_id", .id())
      provider = fields.required("provider", .enumeration())
      var settings = AuthzClientFields.settings(&fields)
      settings.name = fields.required("name", .text(1...200))
      settings.appID = fields.required("app_id", AuthzClientFields.appID)
      settings.appSecret = Secret(fields.required("app_secret", AuthzClientFields.secret))
      self.settings = settings
    }
  }

  static func patch(_ fields: inout FieldReader) -> AuthzClientChange {
    var change = settings(&fields)
    change.name = fields.replacement("name", .text(1...200))
    change.appID = fields.replacement("app_id", appID)
    change.appSecret = fields.replacement("app_secret", secret).map { Secret($0) }
    return change
  }

  private static func settings(_ fields: inout FieldReader) -> AuthzClientChange {
    var settings = AuthzClientChange()
    settings.openPlatformAccount = fields.change("open_platform_account", .text(1...200))
    settings.scopes = fields.replacement("scopes", .scopes)
    settings.propertyMap = fields.replacement("property_map", .propertyMap)
    settings.isEnabled = fields.replacement("enabled", .boolean)
    settings.pushToken = fields.change("push_token", pushToken).map { Secret($0) }
    settings.pushEncodingAESKey = fields.change("push_encoding_aes_key", pushKey).map { Secret($0) }
    return settings
  }

  private static let appID = FieldType.text(1...64).constrained("must be letters, digits, - and _") { text in
    text.utf8.allSatisfy { isWordByte($0) || $0 == 0x2D || $0 == 0x5F }
  }
  private static let secret = FieldType.text(1...256).described("writeOnly", .boolean(true))
  private static let pushToken = FieldType.text(3...32).constrained("must be letters and digits") {
    $0.utf8.allSatisfy(isWordByte)
  }.described("writeOnly", .boolean(true))
  private static let pushKey = FieldType.text(43...43).constrained("must be letters and digits") {
    $0.utf8.allSatisfy(isWordByte)
  }.described("writeOnly", .boolean(true))

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }
}

extension FieldType where Value == [String] {
  /// Scope tokens (RFC 6749 section 3.3).
  static var scopes: FieldType {
    .array(of: FieldType<String>.text(1...100).constrained("must be a scope token", Scope.isToken), count: 0...50)
  }
}

extension FieldType where Value == PropertyMap {
  /// Rules from WeChat's profile to the user's.
  static var propertyMap: FieldType {
    .converted(
      from: .array(of: .rule, count: 0...50, unique: false), placeholder: .standard, detail: "must be rules"
    ) { PropertyMap($0) }
  }
}

extension FieldType where Value == PropertyMap.Rule {
  /// One rule of a property map.
  static var rule: FieldType {
    FieldType<JSONObject>.fields(placeholder: PropertyMap.Rule(sources: [], target: "name", when: .always)) { fields in
      let sources = fields.required("source", .sources)
      let target = fields.required("target", .target)
      let when = fields.optional(
        "when", .enumeration(PropertyMap.When.self), default: PropertyMap.defaultWhen(target))
      return PropertyMap.Rule(sources: sources, target: target, when: when)
    }
  }
}

extension FieldType where Value == [String] {
  fileprivate static var sources: FieldType {
    let known = PropertyMap.knownSources.sorted().joined(separator: ", ")
    return .converted(
      from: FieldType<String>.text(1...200), placeholder: [], detail: "must be of \(known), separated by |"
    ) { text in
      let names = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      return names.allSatisfy(PropertyMap.knownSources.contains) ? names : nil
    }
  }
}

extension FieldType where Value == String {
  fileprivate static var target: FieldType {
    FieldType.text(1...120).constrained("must be username, name, picture or attributes.<name>") { text in
      if ["username", "name", "picture"].contains(text) { return true }
      guard text.hasPrefix("attributes.") else { return false }
      let name = text.dropFirst(11)
      return (1...100).contains(name.count) && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
  }
}
