import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import OAuth

extension Request {
  /// The largest body that is read, in bytes.
  static let mostBytes = 1 << 20

  /// The whole body.
  /// - Throws: 413 over 1 MiB.
  func bytes() async throws -> [UInt8] {
    if let length = headers[.contentLength].flatMap({ Int($0) }), length > Self.mostBytes { throw Self.tooLarge }
    do {
      return Array(buffer: try await body.collect(upTo: Self.mostBytes))
    } catch is NIOTooManyBytesError {
      throw Self.tooLarge
    }
  }

  /// The media type without parameters, in lower case.
  var mediaType: String? {
    headers[.contentType].map { $0.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace } }
  }

  /// The JSON object of the body.
  /// - Throws: 415, 413, or 400 for what is not strict JSON or not an object.
  func jsonObject(_ types: Set<String> = ["application/json"]) async throws -> JSONObject {
    let isEmpty = headers[.contentLength].map { $0 == "0" } ?? (headers[.transferEncoding] == nil)
    guard !isEmpty else { throw Problem(.badRequest, "malformed_json", "A JSON body is required.") }
    guard let mediaType, types.contains(mediaType), headers[.contentEncoding] == nil else {
      throw Problem(
        .unsupportedMediaType, "unsupported_media_type",
        "Send the body as \(types.sorted().joined(separator: " or ")) in the Content-Type header.")
    }
    let bytes = try await bytes()
    do {
      guard case .object(let object) = try JSONValue(parsing: bytes) else {
        throw Problem(.badRequest, "malformed_json", "The body must be a JSON object.")
      }
      return object
    } catch let fault as JSONFault {
      throw Problem(
        .badRequest, "malformed_json", "The body is not acceptable JSON at byte \(fault.offset): \(fault.reason).")
    }
  }

  /// Refuses a body where none is taken, so that nobody believes it had an effect; `{}` says nothing and passes.
  /// - Throws: 413, 400 for what is not a JSON object, 422 for its members.
  func refuseBody() async throws {
    let bytes = try await bytes()
    guard !bytes.isEmpty else { return }
    guard let object = (try? JSONValue(parsing: bytes))?.object else {
      throw Problem(.badRequest, "malformed_json", "This operation takes no body.")
    }
    _ = try JSONBody.decode(object) { _ in }
  }

  /// The fields of a form body (RFC 6749 appendix B).
  /// - Throws: `invalid_request` for another type, bad encoding or a repeated field.
  func form() async throws -> [String: String] {
    guard mediaType == "application/x-www-form-urlencoded" else {
      throw OAuthProblem(OAuthError(.invalidRequest, "send the parameters as application/x-www-form-urlencoded"))
    }
    guard let text = String(validating: try await bytes(), as: UTF8.self),
      let fields = FormFields.parse(text)
    else {
      throw OAuthProblem(OAuthError(.invalidRequest, "a parameter is repeated or not form-encoded UTF-8"))
    }
    return fields
  }

  private static let tooLarge = Problem(.contentTooLarge, "content_too_large", "A body may have at most 1 MiB.")
}

/// Form encoding (WHATWG URL section 5), strictly.
enum FormFields {
  /// The fields of `text`; `nil` when one is repeated or its encoding is not UTF-8. An empty field is as good as absent
  /// (RFC 6749 section 3.1). Only `resource` may be repeated (RFC 8707 section 2); its values are joined by a space, which none of them
  /// can hold.
  static func parse(_ text: some StringProtocol) -> [String: String]? {
    var fields: [String: String] = [:]
    var seen: Set<String> = []
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decode(parts[0]), let value = decode(parts.count > 1 ? parts[1] : ""),
        seen.insert(name).inserted || name == "resource"
      else { return nil }
      if !value.isEmpty { fields[name] = fields[name].map { "\($0) \(value)" } ?? value }
    }
    return fields
  }

  /// One name or value; `nil` when a percent sign is not followed by two hexadecimal digits or the bytes are not UTF-8.
  static func decode(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case 0x2B: bytes.append(0x20)
      case 0x25:
        guard rest.count >= 2, let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit)
        else {
          return nil
        }
        bytes.append(high << 4 | low)
      default: bytes.append(byte)
      }
    }
    guard !bytes.contains(0) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
  }
}
