import Tenancy

/// What follows the exchange of a code, so that the same code gives the same outcome again.
extension WeChatFederation {
  /// `bindUser` waits for WeChat twice, for the person and for the phone number.
  private static let patience = Duration.seconds(8)

  /// Does what follows an exchange; a refusal is kept as the answer to the code, which WeChat has consumed.
  func keepingRefusal<Value>(
    of client: FederationClient, answering codeHash: [UInt8], in database: TenantDatabase,
    _ body: () async throws(FederationRefusal) -> Value
  ) async throws(FederationRefusal) -> Value {
    do {
      return try await body()
    } catch {
      await codes.keep(error, isSpent: true, codeHash: codeHash, client: client.id, in: database)
      throw error
    }
  }

  /// `bindUser` with a code in place of a ticket.
  ///
  /// ```
  ///  first ───► ticket ─► bound ────────► tokens, kept for the others
  ///                    └► refused ──────► ticket, kept for the next try: a phone step that fails must not cost the code
  ///  another ─► waits ─► tokens ────────► the same
  ///                    └► ticket ───────► tries itself
  /// ```
  func bind(
    _ request: BindRequest, code: String, of kind: Kind, in database: TenantDatabase, requestID: String
  ) async throws(FederationRefusal) -> FederationOutcome {
    let exchanged = try await codes.exchange(
      code, client: request.client, kind: kind, patience: Self.patience, in: database, requestID: requestID)
    switch exchanged {
    case .repeated(let client, .registrationRequired(let ticket), _):
      do throws(FederationRefusal) {
        return try await bindOrAsk(
          request, ticket: ticket, answering: CodeExchange.hash(of: code), in: database, requestID: requestID)
      } catch .ticketInvalid {
        // Another request spent it: its answer is this one's too.
        let (seed, user) = try await codes.earlier(
          CodeExchange.hash(of: code), client.id, patience: .zero, in: database)
        if case .registrationRequired = seed { throw .ticketInvalid }
        return try await again(seed, user: user, client: client, in: database)
      }
    case .repeated(let client, let seed, let user):
      return try await again(seed, user: user, client: client, in: database)
    case .fresh(let client, let person, let codeHash):
      return try await keepingRefusal(of: client, answering: codeHash, in: database) {
        () async throws(FederationRefusal) in
        let (ticket, insert) = makeTicket(.bind, person, client, in: database)
        _ = try await database.refusing(insert)
        do throws(FederationRefusal) {
          return try await bindOrAsk(request, ticket: ticket, answering: codeHash, in: database, requestID: requestID)
        } catch {
          let seed = codes.sealed(
            .registrationRequired(ticket: ticket), codeHash: codeHash, tenant: database.tenant.id)
          let keep = RefuseCodeExchange(client: client.id, codeHash: codeHash, isSpent: true, seed: seed)
          _ = try? await database.run(keep, repeatable: true)
          throw error
        }
      }
    }
  }
}
