import CLibpq
import Query

/// The fields of a failed result (libpq chapter 34.3.2, `PQresultErrorField`).
struct ServerReport {
  /// Empty where the server said nothing: libpq lost the connection.
  let sqlstate: String
  /// True when the server ends the connection with it.
  let isFatal: Bool
  /// The C function that reported it: unlike the message it is never translated.
  let function: String
  private let message: String
  private let constraint: String

  /// Reads a result.
  init(_ result: OpaquePointer?) {
    func field(_ code: Character) -> String {
      PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) } ?? ""
    }
    sqlstate = field("C")
    isFatal = ["FATAL", "PANIC"].contains(field("V"))
    function = field("R")
    message = field("M")
    constraint = field("n")
  }

  /// The error for the caller, by SQLSTATE and constraint name.
  ///
  /// The detail, which quotes rows, is left behind; the primary message of class 22 (`invalid input syntax for type uuid: "…"`)
  /// quotes parameters and is left behind too.
  var error: DatabaseError {
    switch sqlstate {
    case "23505": .unique(constraint: constraint)
    case "23503": .foreignKey(constraint: constraint)
    case "23514": .check(constraint: constraint)
    case "42501": .denied
    case _ where sqlstate.hasPrefix("22"): .server(sqlstate: sqlstate, message: "a value was refused by \(function)")
    default: .server(sqlstate: sqlstate, message: message)
    }
  }

  /// The error with the server's own words, for scripts and migrations, whose text is ours.
  var outspokenError: DatabaseError { .server(sqlstate: sqlstate, message: message) }

  /// True when the prepared statement is of no use.
  ///
  /// The server does not know it (somebody deallocated it, or its preparing failed), or planned it for a table that was altered
  /// since. The statement was not executed then.
  var isStalePlan: Bool {
    sqlstate == "26000" || (sqlstate == "0A000" && function == "RevalidateCachedQuery")
  }
}

extension DatabaseError {
  /// The SQLSTATE, where the error is told by nothing else.
  var sqlstate: String? {
    guard case .server(let state, _) = self else { return nil }
    return state
  }

  /// True where the server rolled the transaction back for reasons of its own and the same batch may well succeed.
  var isWorthRepeating: Bool {
    ["40001", "40P01", "57P01", "57P02", "57P03", "25006"].contains(sqlstate)
  }

  /// True where the connection should take no further batch: it leads to a standby, or the server is going away.
  var endsConnection: Bool {
    ["25006", "57P01", "57P02", "57P03"].contains(sqlstate)
  }
}
