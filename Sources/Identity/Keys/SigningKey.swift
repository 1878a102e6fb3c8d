import Secrets
import Tenancy

/// An identity application's key, ready to sign, with its two JWS headers encoded once.
public struct SigningKey: Sendable {
  /// The row, and the `kid` in JWS headers and the JWKS.
  public let id: ID<SigningKey>
  /// The `alg` of its signatures.
  public let algorithm: SigningAlgorithm
  let key: PrivateSigningKey
  private let idTokenHeader: [UInt8]
  private let accessTokenHeader: [UInt8]
  private let logoutTokenHeader: [UInt8]

  /// What a token is, by the `typ` of its header.
  public enum TokenType: Sendable {
    /// `JWT`
    case idToken
    /// `at+jwt` (RFC 9068 section 2.1)
    case accessToken
    /// `logout+jwt` (OpenID Connect Back-Channel Logout 1.0 section 2.4)
    case logoutToken
  }

  init(id: ID<SigningKey>, algorithm: SigningAlgorithm, key: PrivateSigningKey) {
    self.id = id
    self.algorithm = algorithm
    self.key = key
    idTokenHeader = Self.header(algorithm, id, type: "JWT")
    accessTokenHeader = Self.header(algorithm, id, type: "at+jwt")
    logoutTokenHeader = Self.header(algorithm, id, type: "logout+jwt")
  }

  /// The compact JWS of `claims` (RFC 7515 section 7.1), ASCII.
  /// - Parameter claims: the JSON text of the claims set.
  /// - Throws: the crypto library's error.
  public func sign(_ claims: [UInt8], as type: TokenType) throws -> [UInt8] {
    let header =
      switch type {
      case .idToken: idTokenHeader
      case .accessToken: accessTokenHeader
      case .logoutToken: logoutTokenHeader
      }
    var token: [UInt8] = []
    token.reserveCapacity(header.count + claims.count * 4 / 3 + 360)
    token.append(contentsOf: header)
    token.append(0x2E)
    Base64URL.append(claims, to: &token)
    let signature = try key.signature(for: token)
    token.append(0x2E)
    Base64URL.append(signature, to: &token)
    return token
  }

  private static func header(_ algorithm: SigningAlgorithm, _ id: ID<SigningKey>, type: String) -> [UInt8] {
    Base64URL.encode("{\"alg\":\"\(algorithm.rawValue)\",\"kid\":\"\(id)\",\"typ\":\"\(type)\"}".utf8)
  }
}
