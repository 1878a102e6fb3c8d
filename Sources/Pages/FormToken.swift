/// The hidden field that proves a form to be of a page this browser was given.
public struct FormToken: Sendable {
  /// The name of the field.
  public let name: String
  /// What it holds.
  public let value: String

  /// A token; `name` is that of the field it is sent in.
  public init(_ value: String, name: String = "csrf") {
    self.name = name
    self.value = value
  }
}
