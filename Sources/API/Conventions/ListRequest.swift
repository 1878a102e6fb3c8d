import FoundationEssentials
import Hummingbird
import Identity
import JSON

/// The parameters of a list: its filters, `limit` and `cursor`.
///
/// ```swift
/// let list = try ListRequest(request, cursors, "users", tenant: tenant.id.uuid) { fields in
///   fields.optional("status", .enumeration(UserStatus.self))
/// }
/// let users = try await store.users(list.filter, list.slice)
/// return list.response(users, id: \.id.uuid) { user, json in user.writeMembers(to: &json) }
/// ```
public struct ListRequest<Filter>: Sendable where Filter: Sendable {
  /// What `read` made of the filters.
  public let filter: Filter
  /// The part that is wanted; one row more than a page, which tells whether there is a next.
  public var slice: ListSlice { ListSlice(fetch: limit + 1, after: after) }
  private let limit: Int
  private let after: UUID?
  private let list: Cursors.List
  private let cursors: Cursors

  /// Reads the query; each filter is bound into the cursor.
  /// - Throws: `Problem` 422 for an unknown parameter, a bad filter, limit or cursor, all at once.
  public init(
    _ request: Request, _ cursors: Cursors, _ name: String, tenant: UUID?, _ read: (inout FieldReader) -> Filter
  ) throws(Problem) {
    let query = try QueryParameters(request)
    let filters = query.others(than: ["limit", "cursor"])
    let list = Cursors.List(name, tenant: tenant, filters: filters.sorted { $0.name < $1.name })
    let (filter, limit, after) = try query.read { fields in
      let filter = read(&fields)
      let limit = fields.optional("limit", .digits(1...200), default: 50)
      let after = fields.optional(
        "cursor",
        FieldType<UUID>.converted(
          from: .text(1...200), placeholder: UUID(), detail: "is not a cursor of this list with these filters"
        ) { cursors.position(in: $0, of: list) })
      return (filter, limit, after)
    }
    self.filter = filter
    self.limit = limit
    self.after = after
    self.list = list
    self.cursors = cursors
  }

  /// `{"items": […], "next_cursor": …}` of rows fetched with `slice`; `write` writes the members of one item.
  public func response<Row>(
    _ rows: [Row], id: (Row) -> UUID, _ write: (Row, inout JSONWriter) -> Void
  ) -> Response {
    let items = rows.prefix(limit)
    let next = rows.count > limit ? items.last.map { cursors.text(after: id($0), in: list) } : nil
    return .json { json in
      json.key("items")
      json.beginArray()
      for item in items {
        json.beginObject()
        write(item, &json)
        json.endObject()
      }
      json.endArray()
      json.member("next_cursor", next)
    }
  }
}

extension ListRequest where Filter == Void {
  /// The schema of a list's query without filters.
  static var schema: JSONObject { schema { _ in } }
}

extension ListRequest {
  /// The schema of a list's query with the filters that `read` reads.
  static func schema(_ read: (inout FieldReader) -> Filter) -> JSONObject {
    FieldReader.schema { fields in
      _ = read(&fields)
      _ = fields.optional("limit", .digits(1...200), default: 50)
      _ = fields.optional("cursor", .text(1...200))
    }
  }
}
