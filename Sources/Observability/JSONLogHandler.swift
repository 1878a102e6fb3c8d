import FoundationEssentials
import Logging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes each log event as one line of JSON on standard error: `time`, `level`, `logger`, `message` and the metadata.
///
/// What goes in is chosen where it is logged: ids, route templates, codes. A `Secret` prints as a placeholder.
public struct JSONLogHandler: LogHandler {
  /// One writer at a time, so that lines never mix.
  private static let output = Mutex<Void>(())

  private let label: String
  /// Metadata of every event of this logger.
  public var metadata: Logger.Metadata = [:]
  /// Events below are dropped.
  public var logLevel: Logger.Level

  /// A handler for the logger `label`.
  public init(label: String, level: Logger.Level) {
    self.label = label
    logLevel = level
  }

  /// The metadata value of `key`.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes one event.
  public func log(event: LogEvent) {
    var line = "{\"time\":\"\(Date().ISO8601Format(.iso8601(timeZone: .gmt, includingFractionalSeconds: true)))\""
    line +=
      ",\"level\":\"\(event.level)\",\"logger\":\(Self.quoted(label)),\"message\":\(Self.quoted("\(event.message)"))"
    for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }
    ) {
      line += ",\(Self.quoted(key)):\(Self.json(value))"
    }
    line += "}\n"
    Self.output.withLock { _ in
      line.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while !rest.isEmpty {
          let written = write(STDERR_FILENO, rest.baseAddress, rest.count)
          guard written > 0 || errno == EINTR else { return }
          if written > 0 { rest = UnsafeRawBufferPointer(rebasing: rest[written...]) }
        }
      }
    }
  }

  private static func json(_ value: Logger.Metadata.Value) -> String {
    switch value {
    case .string(let text): quoted(text)
    case .stringConvertible(let value): quoted("\(value)")
    case .array(let values): "[" + values.map(json).joined(separator: ",") + "]"
    case .dictionary(let members):
      "{" + members.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(json($0.value))" }.joined(separator: ",")
        + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
