import OAuth

extension Authorization {
  /// Binds a pushed request to the key that was proved with it, as `dpop_jkt` would (RFC 9449 section 10.1).
  /// - Throws: `invalid_dpop_proof` when the two name different keys.
  static func bind(_ fields: inout [String: String], to proof: DPoPProof?) throws(OAuthError) {
    guard let proof else { return }
    guard fields["dpop_jkt"] == nil || fields["dpop_jkt"] == proof.thumbprint else {
      throw OAuthError(.invalidDPoPProof, "the DPoP proof is of another key than dpop_jkt")
    }
    fields["dpop_jkt"] = proof.thumbprint
  }
}
