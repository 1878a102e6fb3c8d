import JSON
import Query

/// How the pages of an identity application look; nothing here can carry a script.
public struct ApplicationBranding: Sendable, Equatable {
  /// An https address of a picture.
  public var logoURI: String?
  /// `#rrggbb`: buttons and links.
  public var primaryColor: String?
  /// `#rrggbb`: behind the card.
  public var backgroundColor: String?

  /// A look.
  public init(logoURI: String? = nil, primaryColor: String? = nil, backgroundColor: String? = nil) {
    self.logoURI = logoURI
    self.primaryColor = primaryColor
    self.backgroundColor = backgroundColor
  }

  /// Reads what is stored.
  init(_ stored: JSONText) {
    let object = (try? JSONValue(parsing: stored.utf8))?.object
    self.init(
      logoURI: object?["logo_uri"]?.string, primaryColor: object?["primary_color"]?.string,
      backgroundColor: object?["background_color"]?.string)
  }

  /// What is stored.
  var text: JSONText {
    let members = [("logo_uri", logoURI), ("primary_color", primaryColor), ("background_color", backgroundColor)]
    let object = JSONObject(
      members.compactMap { name, value in value.map { (name: name, value: JSONValue.string($0)) } })
    return JSONText(utf8: JSONValue.object(object).text)
  }
}
