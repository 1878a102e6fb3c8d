import CLibpq
import Foundation
import Query

/// Opens connections on threads of their own: `PQconnectdbParams` looks names up and waits, and neither the loop nor Swift's pool
/// threads may. A connection attempt is rare and short, so a thread each is the simplest thing that cannot block anybody.
enum Connecting {
  /// An open handle, or why there is none; the reason never holds a password.
  enum Result: @unchecked Sendable {
    // Unchecked: the handle is passed from the connecting thread to the loop and used by nobody else.
    case open(OpaquePointer)
    case failed(String)
  }

  /// What every connection of ours says unless the URI says otherwise (libpq chapter 34.1.2).
  private static let defaults = [
    "connect_timeout": "2", "tcp_user_timeout": "5000", "keepalives": "1", "keepalives_idle": "10",
    "keepalives_interval": "3", "keepalives_count": "3", "client_encoding": "UTF8",
    "options": "-c statement_timeout=15000 -c plan_cache_mode=force_generic_plan -c timezone=UTC -c datestyle=ISO",
  ]

  /// Connects on a new thread and calls `done` there.
  static func start(uri: String, applicationName: String, done: @escaping @Sendable (Result) -> Void) {
    Thread { done(connect(uri: uri, applicationName: applicationName)) }.start()
  }

  /// Connects and waits; for threads that may.
  static func connect(uri: String, applicationName: String) -> Result {
    var message: UnsafeMutablePointer<CChar>?
    guard let parsed = PQconninfoParse(uri, &message) else {
      PQfreemem(message)
      return .failed("it is not a libpq connection URI")
    }
    defer { PQconninfoFree(parsed) }
    var parameters = defaults
    parameters["application_name"] = applicationName
    var option = parsed
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
      option += 1
    }
    let keywords = parameters.keys.map { strdup($0) }
    let values = parameters.values.map { strdup($0) }
    defer { for text in keywords + values { free(text) } }
    let handle = PQconnectdbParams(keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 0)
    guard let handle else { return .failed("libpq is out of memory") }
    guard PQstatus(handle) == CONNECTION_OK else {
      let reason = String(cString: PQerrorMessage(handle)).trimmingCharacters(in: .whitespacesAndNewlines)
      PQfinish(handle)
      return .failed(reason)
    }
    // Notices would go to standard error as plain text, between the lines of the log.
    PQsetNoticeReceiver(handle, { _, _ in }, nil)
    return .open(handle)
  }
}
