import FoundationEssentials
import JSON
import Tenancy

/// Reads the fields of a JSON object and gathers everything that is wrong with them, to be told at once.
///
/// A reader takes what it knows, then `finish` refuses what is left over: a misspelt name cannot pass silently. `null` counts as
/// absent except where a method says otherwise.
struct Fields {
  private let object: JSONObject
  private let pointer: String
  private var known: Set<String> = []
  private(set) var faults: [Problem.FieldFault] = []

  init(_ object: JSONObject, at pointer: String = "") {
    self.object = object
    self.pointer = pointer
  }

  /// True when the member is there, `null` included.
  func contains(_ name: String) -> Bool { object[name] != nil }

  /// Notes a fault of a member.
  mutating func fault(_ name: String, _ detail: String) {
    let escaped = name.replacingOccurrences(of: "~", with: "~0").replacingOccurrences(of: "/", with: "~1")
    faults.append(Problem.FieldFault(pointer: "\(pointer)/\(escaped)", detail: detail))
  }

  /// The member as it is; `nil` when absent or `null`.
  mutating func value(_ name: String) -> JSONValue? {
    known.insert(name)
    let value = object[name]
    return value == .null ? nil : value
  }

  /// A string of `length` characters, without control characters.
  mutating func string(_ name: String, _ length: ClosedRange<Int>) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.string else {
      fault(name, "must be a string")
      return nil
    }
    guard length.contains(text.count), text.utf8.count <= length.upperBound * 4 else {
      fault(name, "must have \(length.lowerBound) to \(length.upperBound) characters")
      return nil
    }
    guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }) else {
      fault(name, "must not have control characters")
      return nil
    }
    return text
  }

  /// A string that must be there; the empty string stands in when it is not, and `finish` throws.
  mutating func requiredString(_ name: String, _ length: ClosedRange<Int>) -> String {
    if let text = string(name, length) { return text }
    require(name)
    return ""
  }

  /// One of `allowed`.
  mutating func choice(_ name: String, _ allowed: [String]) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.string, allowed.contains(text) else {
      fault(name, "must be one of \(allowed.joined(separator: ", "))")
      return nil
    }
    return text
  }

  /// A whole number in `range`.
  mutating func integer(_ name: String, _ range: ClosedRange<Int>) -> Int? {
    guard let value = value(name) else { return nil }
    guard let number = value.integer, range.contains(number) else {
      fault(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return number
  }

  /// `true` or `false`.
  mutating func boolean(_ name: String) -> Bool? {
    guard let value = value(name) else { return nil }
    guard let flag = value.boolean else {
      fault(name, "must be true or false")
      return nil
    }
    return flag
  }

  /// The id of another resource.
  mutating func id<Subject>(_ name: String, _ subject: Subject.Type = Subject.self) -> ID<Subject>? {
    guard let value = value(name) else { return nil }
    guard let id = value.string.flatMap({ ID<Subject>($0) }) else {
      fault(name, "must be the id of a resource")
      return nil
    }
    return id
  }

  /// A time in RFC 3339.
  mutating func time(_ name: String) -> Date? {
    guard let value = value(name) else { return nil }
    guard let text = value.string, let date = RFC3339.date(text) else {
      fault(name, "must be a time such as 2026-01-31T12:00:00Z (RFC 3339)")
      return nil
    }
    return date
  }

  /// An array of at most `most` strings of `length` characters each.
  mutating func strings(_ name: String, most: Int, _ length: ClosedRange<Int>) -> [String]? {
    guard let value = value(name) else { return nil }
    guard let values = value.array, values.count <= most else {
      fault(name, "must be an array of at most \(most) strings")
      return nil
    }
    var texts: [String] = []
    for (index, element) in values.enumerated() {
      guard let text = element.string, length.contains(text.count),
        text.unicodeScalars.allSatisfy({ $0.value >= 0x20 })
      else {
        fault("\(name)/\(index)", "must be a string of \(length.lowerBound) to \(length.upperBound) characters")
        continue
      }
      texts.append(text)
    }
    return texts
  }

  /// A nested object with a reader of its own; hand it back with `adopt`.
  mutating func object(_ name: String) -> Fields? {
    guard let value = value(name) else { return nil }
    guard let object = value.object else {
      fault(name, "must be an object")
      return nil
    }
    return Fields(object, at: "\(pointer)/\(name)")
  }

  /// Takes over the faults of a nested reader, unknown members included.
  mutating func adopt(_ nested: Fields?) {
    guard let nested else { return }
    faults.append(contentsOf: nested.faults + nested.unknown)
  }

  /// Notes that a member must be there, unless it is faulty already.
  mutating func require(_ name: String) {
    known.insert(name)
    guard value(name) == nil else { return }
    fault(name, "is required")
  }

  /// Ends the reading.
  /// - Throws: 422 with all faults, unknown members included.
  func finish() throws(Problem) {
    let all = faults + unknown
    guard all.isEmpty else {
      throw Problem(
        .unprocessableContent, "invalid_fields", "Some fields are not acceptable; each is named in errors.", errors: all
      )
    }
  }

  private var unknown: [Problem.FieldFault] {
    object.members.filter { !known.contains($0.name) }.map {
      let name = $0.name.prefix(100).replacingOccurrences(of: "~", with: "~0").replacingOccurrences(of: "/", with: "~1")
      return Problem.FieldFault(pointer: "\(pointer)/\(name)", detail: "is not a field here")
    }
  }
}

/// Times in the API (RFC 3339), always written in UTC with milliseconds.
enum RFC3339 {
  private static let written = Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt)

  /// The text of a moment.
  static func text(_ date: Date) -> String { date.formatted(written) }

  /// The moment of a text with `Z` or an offset, with or without fractions of a second.
  static func date(_ text: String) -> Date? {
    guard text.utf8.count <= 40 else { return nil }
    return (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
      ?? (try? Date.ISO8601FormatStyle().parse(text))
  }
}
