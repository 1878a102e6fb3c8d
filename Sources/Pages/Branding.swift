import OAuth

/// How an identity application looks on its pages: nothing here can carry a script.
public struct Branding: Sendable, Equatable {
  /// The name over the forms.
  public let displayName: String
  /// An https address of a picture.
  public let logoURI: String?
  /// The colour of buttons and links.
  public let primaryColor: HexColor?
  /// The colour behind the card, for light screens; dark screens keep a dark one.
  public let backgroundColor: HexColor?

  /// A look; a logo address that is not https and a colour that is not `#rrggbb` are left out.
  public init(
    displayName: String, logoURI: String? = nil, primaryColor: String? = nil, backgroundColor: String? = nil
  ) {
    self.displayName = displayName
    self.logoURI = logoURI.flatMap { WebAddress($0)?.scheme == "https" ? $0 : nil }
    self.primaryColor = primaryColor.flatMap(HexColor.init)
    self.backgroundColor = backgroundColor.flatMap(HexColor.init)
  }

  /// The style of a page that has colours of its own; made of nothing but colours, allowed in the policy by its hash.
  var style: String? {
    guard primaryColor != nil || backgroundColor != nil else { return nil }
    var light = ""
    var dark = ""
    if let primary = primaryColor {
      light += "--brand:\(primary.description);--on-brand:\(primary.readable.description);"
      light += "--link:\(primary.legible(on: .white, ratio: 4.5).description);"
      let bright = primary.legible(on: Stylesheet.darkCard, ratio: 4.5)
      dark += "--brand:\(bright.description);--on-brand:\(bright.readable.description);--link:\(bright.description);"
    }
    if let ground = backgroundColor {
      light += "--ground:\(ground.description);--on-ground:\(ground.readable.description);"
      dark += "--ground:\(Stylesheet.darkGround.description);--on-ground:#9aa3af;"
    }
    return ":root{\(light)}@media(prefers-color-scheme:dark){:root{\(dark)}}"
  }
}
