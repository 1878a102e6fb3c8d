import FoundationEssentials
import JSON
import OAuth
import Secrets
import Tenancy

extension FieldType where Value: CaseIterable & RawRepresentable, Value.RawValue == String, Value.AllCases: Sendable {
  /// One word of a fixed list.
  public static func enumeration(_ type: Value.Type = Value.self) -> FieldType {
    let words = Value.allCases.map(\.rawValue)
    return FieldType(
      placeholder: Value.allCases.first!,  // an enumeration without cases cannot be a field
      schema: JSONObject([("type", .string("string")), ("enum", .array(words.map { .string($0) }))])
    ) { value, pointer, faults in
      guard let found = value.string.flatMap(Value.init(rawValue:)) else {
        faults.append(Problem.FieldFault(pointer, "must be one of \(words.joined(separator: ", "))"))
        return nil
      }
      return found
    }
  }
}

extension FieldType {
  /// The canonical text of an id.
  public static func id<Subject>(_ subject: Subject.Type = Subject.self) -> FieldType where Value == ID<Subject> {
    .converted(
      from: .text(1...64), placeholder: ID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))),
      format: "uuid", detail: "must be an id in canonical form"
    ) { ID($0) }
  }
}

extension FieldType where Value == Date {
  /// An RFC 3339 time.
  public static var time: FieldType {
    .converted(
      from: .text(1...40), placeholder: Date(timeIntervalSince1970: 0), format: "date-time",
      detail: "must be an RFC 3339 time such as 2026-03-01T09:30:00Z"
    ) { Timestamp.parse($0) }
  }
}

extension FieldType where Value == String {
  /// An absolute https URL; http too on a loopback host when `loopback`. No user information, no fragment.
  public static func url(loopback: Bool = false, length: Int = 2048) -> FieldType {
    let detail = loopback ? "must be an https URL, or http on a loopback address" : "must be an https URL"
    return .converted(from: .text(1...length), placeholder: "", format: "uri", detail: detail) { text in
      guard let url = WebAddress(text), !url.hasFragment else { return nil }
      return url.scheme == "https" || (loopback && url.scheme == "http" && url.isLoopback) ? text : nil
    }
  }

  /// A picture or profile address: http or https.
  public static var webAddress: FieldType {
    .converted(from: .text(1...2048), placeholder: "", format: "uri", detail: "must be an http or https URL") { text in
      WebAddress(text).map { $0.scheme == "https" || $0.scheme == "http" } == true ? text : nil
    }
  }

  /// A telephone number in E.164 form (`+8613800000000`).
  public static var phoneNumber: FieldType {
    FieldType.text(1...32).constrained("must be in E.164 form, such as +8613812345678") { text in
      let digits = text.utf8.dropFirst()
      return text.utf8.first == 0x2B && (2...15).contains(digits.count) && digits.first != 0x30
        && digits.allSatisfy { (0x30...0x39).contains($0) }
    }.described("pattern", .string("^\\+[1-9][0-9]{1,14}$"))
  }

  /// An e-mail address: one `@`, something on both sides, a dot-separated host, no white space.
  public static var email: FieldType {
    FieldType.text(3...320).constrained("must be an e-mail address") { text in
      let parts = text.split(separator: "@", omittingEmptySubsequences: false)
      return parts.count == 2 && (1...64).contains(parts[0].utf8.count) && HostName.isValid(parts[1])
        && !text.contains(where: \.isWhitespace)
    }.described("format", .string("email"))
  }

  /// A host name in lower case (RFC 1123 section 2.1), not an address.
  public static var hostName: FieldType {
    FieldType.text(1...253).constrained("must be a host name in lower case, without port") { text in
      HostName.isValid(text) && text == text.lowercased() && text.contains(".") && IPAddress(text) == nil
        && text.split(separator: ".").last?.allSatisfy(\.isNumber) == false
    }.described("format", .string("hostname"))
  }
}
