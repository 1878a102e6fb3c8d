import Identity
import JSON
import Query

/// `branding` of an identity application.
enum BrandingFields {
  /// All of it, for a new application.
  static let whole = FieldType<JSONObject>.fields(placeholder: ApplicationBranding()) { fields in
    ApplicationBranding(
      logoURI: fields.optional("logo_uri", .url()), primaryColor: fields.optional("primary_color", color),
      backgroundColor: fields.optional("background_color", color))
  }

  /// A merge patch of it (RFC 7396).
  static let patch = FieldType<JSONObject>.fields(placeholder: JSONText("{}")) { fields in
    let changes = [
      ("logo_uri", fields.change("logo_uri", .url())), ("primary_color", fields.change("primary_color", color)),
      ("background_color", fields.change("background_color", color)),
    ]
    let members = changes.compactMap { name, change -> (name: String, value: JSONValue)? in
      switch change {
      case .keep: nil
      case .clear: (name, .null)
      case .set(let value): (name, .string(value))
      }
    }
    return JSONText(utf8: JSONValue.object(JSONObject(members)).text)
  }

  static func write(_ branding: ApplicationBranding, to json: inout JSONWriter) {
    json.beginObject()
    json.member("logo_uri", branding.logoURI)
    json.member("primary_color", branding.primaryColor)
    json.member("background_color", branding.backgroundColor)
    json.endObject()
  }

  private static let color = FieldType.text(7...7).constrained("must be a colour such as #1a2b3c") { text in
    text.utf8.first == 0x23 && text.utf8.dropFirst().allSatisfy { Character(UnicodeScalar($0)).isHexDigit }
  }.described("pattern", .string("^#[0-9A-Fa-f]{6}$"))
}
