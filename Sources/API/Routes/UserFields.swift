import Identity
import JSON
import Observability
import Query

/// What the body of a new user, or a patch of one, may hold.
enum UserFields {
  struct New: Sendable {
    let origin: UserChange.Origin
    let fields: UserChange

    init(_ fields: inout FieldReader) {
      origin = fields.optional("origin", .enumeration(), default: .local)
      self.fields = UserFields.change(&fields)
    }
  }

  static func change(_ fields: inout FieldReader) -> UserChange {
    var change = UserChange()
    change.username = fields.change("username", .text(1...200))
    change.name = fields.change("name", .text(1...500))
    change.picture = fields.change("picture", .webAddress)
    change.phoneNumber = fields.change("phone_number", .phoneNumber)
    change.phoneNumberVerified = fields.replacement("phone_number_verified", .boolean)
    change.email = fields.change("email", .email)
    change.emailVerified = fields.replacement("email_verified", .boolean)
    change.attributes = fields.replacement("attributes", .attributes).map { JSONText(utf8: JSONValue.object($0).text) }
    change.status = fields.replacement("status", .enumeration())
    change.password = fields.change("password", password).map { Secret($0) }
    change.names = names.filter(fields.has)
    return change
  }

  static func filter(_ fields: inout FieldReader) -> UserFilter {
    var filter = UserFilter()
    filter.username = fields.optional("username", .text(1...200))
    filter.phoneNumber = fields.optional("phone_number", .phoneNumber)
    filter.email = fields.optional("email", .text(1...320))
    filter.unionid = fields.optional("unionid", .text(1...128))
    filter.openid = fields.optional("openid", .text(1...128))
    filter.status = fields.optional("status", .enumeration())
    return filter
  }

  private static let names = [
    "username", "name", "picture", "phone_number", "phone_number_verified", "email", "email_verified", "attributes",
    "status", "password",
  ]

  /// NIST SP 800-63B section 5.1.1.2: at least 8 characters, and nothing about their kinds.
  private static let password = FieldType.text(8...200).described("writeOnly", .boolean(true))
}

extension FieldType where Value == JSONObject {
  /// Attributes of a user: anything, but what is named like a claim of OpenID Connect Core section 5.1 has its type.
  static var attributes: FieldType {
    let type = FieldType.object()
    return FieldType(placeholder: type.placeholder, schema: type.schema) { value, pointer, faults in
      guard let object = type.read(value, pointer, &faults) else { return nil }
      let before = faults.count
      for (name, value) in object.members {
        if !(1...100).contains(name.unicodeScalars.count) {
          faults.append(Problem.FieldFault(pointer, "has a name that is empty or longer than 100 characters"))
        }
        guard value != .null else { continue }
        if textClaims.contains(name), value.string == nil {
          faults.append(Problem.FieldFault("\(pointer)/\(name)", "must be a string, as the OpenID claim of this name"))
        }
        if name == "address", value.object == nil {
          faults.append(Problem.FieldFault("\(pointer)/address", "must be an object, as the OpenID claim of this name"))
        }
      }
      return faults.count == before ? object : nil
    }
  }
}

private let textClaims: Set<String> = [
  "given_name", "family_name", "middle_name", "nickname", "profile", "website", "gender", "birthdate", "zoneinfo",
  "locale",
]
