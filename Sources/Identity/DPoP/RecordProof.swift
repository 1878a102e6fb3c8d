import FoundationEssentials
import OAuth
import Query
import Tenancy

/// Remembers a proof for as long as it could be sent again; a second use breaks the primary key, and so ends its whole batch.
struct RecordProof: TenantStatement {
  /// The key of the table's one partition, which is the one that reports the conflict.
  static let constraint = "dpop_proofs_all_pkey"

  static let sql: SQL = """
    INSERT INTO dpop_proofs (tenant_id, proof_hash, expires_at)
    VALUES (current_tenant(), $1, now() + interval '12 minutes')
    """
  let proof: DPoPProof

  func bind(to binder: inout Binder) { binder.bind(proof.hash) }
}

extension TenantDatabase {
  /// Runs a statement, behind the record of the proof that came with it, in the same round trip.
  /// - Throws: as `run`; `DatabaseError.isReplayedProof` for a proof that was used before, and then nothing was done.
  func run<S: TenantStatement>(
    _ statement: S, proving proof: DPoPProof?, repeatable: Bool = false
  ) async throws(DatabaseError) -> [S.Output] {
    guard let proof else { return try await run(statement, repeatable: repeatable) }
    // Never repeated: its own record would look like the first use.
    return try await run(RecordProof(proof: proof), statement).1
  }

  /// Runs two statements behind the record of a proof.
  /// - Throws: as `run(_:proving:)`.
  func run<First: TenantStatement, Second: TenantStatement>(
    _ first: First, _ second: Second, proving proof: DPoPProof?
  ) async throws(DatabaseError) -> ([First.Output], [Second.Output]) {
    guard let proof else { return try await run(first, second) }
    let (_, firstRows, secondRows) = try await run(RecordProof(proof: proof), first, second)
    return (firstRows, secondRows)
  }
}

extension DatabaseError {
  /// True when a batch failed because its DPoP proof was used before.
  var isReplayedProof: Bool { self == .unique(constraint: RecordProof.constraint) }
}

extension OAuthRefusal {
  /// What a failed batch comes to: a proof that was used before is the client's fault, all else is ours.
  init(_ error: DatabaseError) {
    self = error.isReplayedProof ? .oauth(Self.replayedProof) : .fault(.database(error))
  }

  /// For a proof that was used before.
  public static let replayedProof = OAuthError(.invalidDPoPProof, "the DPoP proof was used before")
}

extension TokenEndpoint {
  /// Refuses a client that must prove a key and did not (RFC 9449 section 5.2).
  static func requireProof(_ request: Request, _ client: AuthenticatedClient) throws(OAuthRefusal) {
    guard client.requiresDPoP, request.proof == nil else { return }
    throw .oauth(OAuthError(.invalidDPoPProof, "this client must send a DPoP proof"))
  }
}
