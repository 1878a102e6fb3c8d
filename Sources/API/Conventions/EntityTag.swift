import HTTPTypes
import Hummingbird

/// The strong entity tag of a resource: its row version, and what else its representation depends on (RFC 9110 section 8.8.3).
public struct EntityTag: Sendable, Equatable {
  /// The row version, which each change of the resource increments.
  public let version: Int
  /// A value shown in the representation that changes without a new version, such as the time of the last login.
  public let extra: Int?

  /// The tag of a version.
  public init(version: Int, extra: Int? = nil) {
    self.version = version
    self.extra = extra
  }

  /// With the quotes.
  public var text: String { extra.map { "\"\(version)-\($0)\"" } ?? "\"\(version)\"" }

  fileprivate init?(_ text: Substring) {
    guard text.count > 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return nil }
    let parts = text.dropFirst().dropLast().split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard let version = Int(parts[0]) else { return nil }
    self.init(version: version, extra: parts.count > 1 ? Int(parts[1]) : nil)
    guard self.text == text else { return nil }
  }

  /// The tags of a list in a header field; a tag that is weak or not ours counts as one that matches nothing.
  fileprivate static func list(_ values: [String]) -> [EntityTag] {
    values.flatMap { $0.split(separator: ",") }.compactMap { item in
      EntityTag(item.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" })
    }
  }
}

/// What `If-Match` demands (RFC 9110 section 13.1.1); the statement that writes checks it in its own WHERE.
public enum Precondition: Sendable, Equatable {
  /// There is none, or `*`: whatever version is there.
  case any
  /// One of these versions.
  case versions([Int])

  /// Reads `If-Match`.
  public init(_ request: Request) {
    let values = request.headers[values: .ifMatch]
    guard !values.isEmpty, !values.contains("*") else {
      self = .any
      return
    }
    // Without the extra: a login between read and write is no change that an administrator could lose.
    self = .versions(EntityTag.list(values).map(\.version))
  }

  /// What a statement binds as `bigint[]`: NULL means any.
  public var versions: [Int]? {
    if case .versions(let versions) = self { versions } else { nil }
  }
}

extension Response {
  /// A resource with its tag; 304 without a body where `If-None-Match` names it (RFC 9110 section 13.1.2).
  public static func resource(
    _ request: Request, status: HTTPResponse.Status = .ok, tag: EntityTag, headers: HTTPFields = [:],
    body: () -> [UInt8]
  ) -> Response {
    var headers = headers
    headers[.eTag] = tag.text
    let wanted = request.headers[values: .ifNoneMatch]
    if request.method == .get || request.method == .head, wanted.contains("*") || weakly(wanted).contains(tag.text[...])
    {
      headers[.cacheControl] = "no-store"
      return Response(status: .notModified, headers: headers)
    }
    return .json(status, body(), headers: headers)
  }

  /// `If-None-Match` compares weakly: `W/` does not count.
  private static func weakly(_ values: [String]) -> [Substring] {
    values.flatMap { $0.split(separator: ",") }.map { item in
      let tag = item.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
      return tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
    }
  }
}
