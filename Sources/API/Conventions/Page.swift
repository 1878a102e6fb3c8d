import FoundationEssentials
import Hummingbird
import JSON

/// Which part of a list is wanted: newest first, after a position.
public struct Page: Sendable {
  /// How many, 1 to 200.
  public let limit: Int
  /// Only what comes after this id in the order of the list; `nil` for the beginning.
  public let after: UUID?

  /// A part of a list.
  public init(limit: Int = 50, after: UUID? = nil) {
    self.limit = limit
    self.after = after
  }

  /// What a statement asks for: one more than wanted tells whether there is a next page.
  public var fetch: Int { limit + 1 }
}

/// The parameters of a list: its filters, `limit` and `cursor`.
///
/// ```swift
/// let list = try ListRequest(request, cursors, "users", tenant: tenant.id.uuid) { fields in
///   fields.optional("status", .enumeration(UserStatus.self))
/// }
/// let users = try await store.users(list.filter, list.page)
/// return list.response(users, id: \.id.uuid) { user, json in user.write(to: &json) }
/// ```
public struct ListRequest<Filter>: Sendable where Filter: Sendable {
  /// What `read` made of the filters.
  public let filter: Filter
  /// The part that is wanted.
  public let page: Page
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
    let (filter, page) = try query.read { fields in
      let filter = read(&fields)
      let limit = fields.optional("limit", .digits(1...200), default: 50)
      let after = fields.optional(
        "cursor",
        FieldType<UUID>.converted(
          from: .text(1...200), placeholder: UUID(), detail: "is not a cursor of this list with these filters"
        ) { cursors.position(in: $0, of: list) })
      return (filter, Page(limit: limit, after: after))
    }
    self.filter = filter
    self.page = page
    self.list = list
    self.cursors = cursors
  }

  /// `{"items": […], "next_cursor": …}` of rows fetched with `page.fetch`.
  public func response<Row>(
    _ rows: [Row], id: (Row) -> UUID, _ write: (Row, inout JSONWriter) -> Void
  ) -> Response {
    let items = rows.prefix(page.limit)
    let next = rows.count > page.limit ? items.last.map { cursors.text(after: id($0), in: list) } : nil
    return .json { json in
      json.key("items")
      json.beginArray()
      for item in items { write(item, &json) }
      json.endArray()
      json.member("next_cursor", next)
    }
  }
}
