import Query
import Secrets
import Tenancy

/// Lets an interaction carry the ticket of a person whom nobody knows, or drops it. Who was signed in for the interaction before
/// is not asked about this person: they must show themselves again.
struct CarryTicket: TenantStatement {
  static let sql: SQL = """
    UPDATE authorization_requests
    SET ticket_sealed = $3, session_id = CASE WHEN $3::bytea IS NULL THEN session_id END
    WHERE tenant_id = current_tenant() AND id = $1 AND secret_hash = $2 AND used_at IS NULL AND expires_at > now()
    RETURNING id
    """
  let interaction: OpaqueToken
  let sealed: [UInt8]?

  func bind(to binder: inout Binder) {
    binder.bind(interaction.id)
    binder.bind(interaction.hash)
    binder.bind(sealed)
  }

  static func decode(_ row: inout Row) throws(DecodingFault) {}
}
