import Query
import Tenancy

/// A signing key as it lies in the database.
struct StoredSigningKey: Sendable {
  let id: ID<SigningKey>
  let algorithm: String
  let sealed: [UInt8]

  /// Reads the columns `k.id, k.alg, k.private_key_sealed`.
  init(_ row: inout Row) throws(DecodingFault) {
    id = try row.next()
    algorithm = try row.next()
    sealed = try row.next()
  }
}
