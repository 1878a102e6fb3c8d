import CLibpq
import Foundation

/// A libpq connection URI, taken apart by libpq itself, so that its database or role can be exchanged.
struct ConnectionURI {
  /// The parameters that are set, by libpq's keywords (chapter 34.1.2).
  private var parameters: [String: String] = [:]

  /// Takes `text` apart.
  /// - Throws: `TestDatabase.Failure` when it is not one.
  init(_ text: String) throws {
    guard let options = PQconninfoParse(text, nil) else {
      throw TestDatabase.Failure(description: "QIAO_TEST_DATABASE_URL is not a libpq connection URI")
    }
    defer { PQconninfoFree(options) }
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
      option += 1
    }
  }

  /// The password, if it holds one.
  var password: String? { parameters["password"] }

  /// The same server and role, another database.
  func database(_ name: String) -> ConnectionURI {
    var copy = self
    copy.parameters["dbname"] = name
    return copy
  }

  /// The same server and database, another role with the same password.
  func role(_ name: String) -> ConnectionURI {
    var copy = self
    copy.parameters["user"] = name
    return copy
  }

  /// The URI, with everything after the question mark: the one form that fits sockets and several hosts alike.
  var text: String {
    let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
    let query = parameters.sorted { $0.key < $1.key }.map { keyword, value in
      "\(keyword)=\(value.addingPercentEncoding(withAllowedCharacters: unreserved) ?? "")"
    }
    return "postgresql:///?\(query.joined(separator: "&"))"
  }
}
