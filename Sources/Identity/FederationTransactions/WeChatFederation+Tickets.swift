import FoundationEssentials
import Query
import Secrets
import Tenancy

extension WeChatFederation {
  /// Makes a ticket for an exchanged person and keeps it as the answer to the code, in one transaction.
  func issueTicket(
    _ purpose: FederationTransaction.Purpose, _ person: Person, _ client: FederationClient, answering codeHash: [UInt8],
    for user: ID<User>? = nil, seed: ((String) -> ExchangeSeed)? = nil, in database: TenantDatabase
  ) async throws(FederationRefusal) -> String {
    let (text, insert) = makeTicket(purpose, person, client, in: database)
    let seed = seed?(text) ?? (purpose == .bind ? .registrationRequired(ticket: text) : .federateCode(text))
    let sealed = codes.sealed(seed, codeHash: codeHash, tenant: database.tenant.id)
    do {
      _ = try await database.run(
        insert, FinishCodeExchange(client: client.id, codeHash: codeHash, seed: sealed, user: user))
    } catch {
      throw .fault(.database(error))
    }
    return text
  }

  /// A ticket for a person, and the statement that keeps it.
  func makeTicket(
    _ purpose: FederationTransaction.Purpose, _ person: Person, _ client: FederationClient, in database: TenantDatabase
  ) -> (text: String, insert: InsertFederationTransaction) {
    let token = OpaqueToken.make(prefix: purpose.prefix)
    let transaction = FederationTransaction(
      id: ID(token.id), secretHash: token.hash, clientID: client.id, purpose: purpose.rawValue, appID: person.appID,
      openid: person.openid, unionid: person.unionid, sessionKeySealed: person.sessionKeySealed,
      carriedSealed: person.carried.map { ring.seal($0, for: .carried(database.tenant.id, token.id)) })
    return (
      token.text.expose(), InsertFederationTransaction(application: client.application.id, transaction: transaction)
    )
  }

  /// The transaction of a ticket that can be spent for `purpose` by this client (`nil`: by the one it belongs to, which the
  /// token endpoint does not ask for); every other ticket gets one answer.
  func redeemable(
    _ text: String, purpose: FederationTransaction.Purpose, client id: ID<ThirdPartyAuthzClient>?,
    in database: TenantDatabase
  ) async throws(FederationRefusal) -> (FederationClient, FederationTransaction) {
    let token = OpaqueToken(text, prefix: purpose.prefix)
    let find = FindFederationTransaction(id: token.map { ID($0.id) }, client: id)
    guard let found = try await database.refusing(find).first else {
      throw id == nil ? .ticketInvalid : .clientNotFound
    }
    guard let token, let transaction = found.transaction, Digest.equal(transaction.secretHash, token.hash),
      transaction.purpose == purpose.rawValue, transaction.clientID == found.client.id
    else { throw .ticketInvalid }
    return (found.client, transaction)
  }

  /// The person a ticket stands for.
  func person(
    of transaction: FederationTransaction, in database: TenantDatabase
  ) throws(FederationRefusal) -> Person {
    var person = Person(
      appID: transaction.appID, openid: transaction.openid, unionid: transaction.unionid,
      sessionKeySealed: transaction.sessionKeySealed)
    guard let sealed = transaction.carriedSealed else { return person }
    do {
      person.take(carried: try ring.open(sealed, for: .carried(database.tenant.id, transaction.id.uuid)))
    } catch {
      throw .fault(.sealedValue("federation_transactions.carried_sealed of \(transaction.id)"))
    }
    return person
  }
}

extension KeyRing.Place {
  /// Where what a ticket carries lies.
  fileprivate static func carried(_ tenant: ID<Tenant>, _ ticket: UUID) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant.uuid, table: "federation_transactions", column: "carried_sealed", row: ticket.canonical)
  }
}
