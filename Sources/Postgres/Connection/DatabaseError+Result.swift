import CLibpq
import Query

extension DatabaseError {
  /// The error of a failed result, by SQLSTATE and constraint name (libpq chapter 34.3.2, `PQresultErrorField`).
  init(result: OpaquePointer?) {
    func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
    let state = field(Int32(UInt8(ascii: "C"))) ?? ""
    let constraint = field(Int32(UInt8(ascii: "n"))) ?? ""
    self =
      switch state {
      case "23505": .unique(constraint: constraint)
      case "23503": .foreignKey(constraint: constraint)
      case "23514": .check(constraint: constraint)
      case "42501": .denied
      // The primary message names tables and types; the detail, which quotes values, is left behind.
      default: .server(sqlstate: state, message: field(Int32(UInt8(ascii: "M"))) ?? "no message")
      }
  }

  /// True where the server rolled the transaction back for reasons of its own and the same batch may well succeed.
  var wasRolledBackByServer: Bool {
    guard case .server(let state, _) = self else { return false }
    return ["40001", "40P01", "57P01", "57P02", "57P03", "26000"].contains(state)
  }

  /// True where the connection must not be used again (a standby, a dying server, a stale plan).
  var endsConnection: Bool {
    guard case .server(let state, _) = self else { return false }
    return ["25006", "57P01", "57P02", "57P03", "26000", "0A000", "XX000"].contains(state) || state.isEmpty
  }
}
