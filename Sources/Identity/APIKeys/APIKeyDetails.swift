import FoundationEssentials
import Query
import Tenancy

/// An API key as its tenant sees it; the key itself is shown once and is not in here.
public struct APIKeyDetails: Sendable {
  /// The key's id, which is also carried inside the key.
  public let id: ID<APIKey>
  /// For people.
  public let name: String
  /// What it may do.
  public let scopes: [String]
  /// When it ends by itself; `nil` for never.
  public let expiresAt: Date?
  /// Counts the changes of the row.
  public let version: Int
  /// When it was minted.
  public let createdAt: Date
  /// When it changed last.
  public let updatedAt: Date

  /// Reads the columns `id, name, scopes, expires_at, version, created_at, updated_at`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    name = try row.next()
    scopes = try row.next(ColumnArray<String>.self).elements
    expiresAt = try row.next()
    version = try row.next()
    createdAt = try row.next()
    updatedAt = try row.next()
  }
}
