import FoundationEssentials

extension Migrator {
  /// One file.
  public struct File: Sendable, Equatable {
    /// Of the form `NNNN_what.sql`.
    public let name: String
    /// Its SQL.
    public let text: String

    /// A file of known content.
    public init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  /// The files of a folder, in order.
  ///
  /// - Throws: `Failure` when the folder cannot be read, a name is not `NNNN_what.sql`, or two have the same number.
  public static func files(in folder: String) throws(Failure) -> [File] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".sql") }.sorted()
    } catch {
      throw Failure(description: "the migrations in '\(folder)' cannot be read")
    }
    for name in names where name.wholeMatch(of: /[0-9]{4}_[a-z0-9_]+\.sql/) == nil {
      throw Failure(description: "'\(name)' is not named NNNN_what.sql")
    }
    for (name, next) in zip(names, names.dropFirst()) where name.prefix(4) == next.prefix(4) {
      throw Failure(description: "'\(name)' and '\(next)' have the same number")
    }
    var files: [File] = []
    for name in names {
      guard let text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) else {
        throw Failure(description: "'\(name)' cannot be read as UTF-8")
      }
      files.append(File(name: name, text: text))
    }
    return files
  }
}
