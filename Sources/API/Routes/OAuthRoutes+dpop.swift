import HTTPTypes
import Hummingbird
import Identity
import OAuth
import Tenancy

extension OAuthRoutes {
  /// The DPoP proof of a request to an endpoint for clients.
  /// - Throws: `OAuthProblem`.
  func proof(_ request: Request) throws -> DPoPProof? {
    do {
      return try dpop.proof(
        request.headers[values: .dpop], method: request.method.rawValue, path: request.uri.path)
    } catch {
      throw OAuthProblem(error)
    }
  }

  /// Hands a nonce out with the answer to a request that has a proof, a refusal too.
  func withNonce(_ request: Request, _ body: () async throws -> Response) async throws -> Response {
    guard request.headers.contains(.dpop) else { return try await body() }
    do {
      var response = try await body()
      response.headers[.dpopNonce] = dpop.nonce
      return response
    } catch var problem as OAuthProblem {
      problem.headers[.dpopNonce] = dpop.nonce
      throw problem
    }
  }

  /// How an access token came.
  struct PresentedToken {
    let text: String
    let presentation: AccessTokenVerifier.Presentation

    /// An error in the words of the scheme that was used; `scope` is what the token would need.
    func problem(_ error: OAuthError, scope: String? = nil) -> OAuthProblem {
      if case .proof = presentation { return OAuthProblem(dpop: error, scope: scope) }
      return OAuthProblem(bearer: error, scope: scope)
    }
  }

  /// The access token, sent in exactly one way (RFC 6750 section 2, RFC 9449 section 7.1).
  func presentedToken(_ request: Request) async throws -> PresentedToken {
    var tokens: [PresentedToken] = []
    if let header = request.headers[.authorization] {
      guard let (scheme, value) = header.credential else { throw OAuthProblem(bearer: nil) }
      switch scheme {
      case "bearer": tokens.append(PresentedToken(text: value, presentation: .bearer))
      case "dpop": tokens.append(PresentedToken(text: value, presentation: .proof(try proof(request, of: value))))
      default: throw OAuthProblem(bearer: nil)
      }
    }
    if request.method == .post, request.mediaType == "application/x-www-form-urlencoded",
      let value = try await request.form()["access_token"]
    {
      tokens.append(PresentedToken(text: value, presentation: .bearer))
    }
    guard tokens.count <= 1 else {
      throw OAuthProblem(bearer: OAuthError(.invalidRequest, "send the access token in one way only"))
    }
    guard let token = tokens.first else { throw OAuthProblem(bearer: nil) }
    return token
  }

  /// The token, if it is live and whoever presents it may.
  /// - Throws: `OAuthProblem` for a proof that was used before, `IdentityFault`.
  func live(
    _ token: PresentedToken, _ application: String, _ context: TenantContext
  ) async throws -> AccessTokenVerifier.Live? {
    do {
      return try await verifier.live(
        token.text, application: application, in: context.database, presented: token.presentation)
    } catch {
      guard error.isReplayedProof else { throw error }
      throw token.problem(OAuthRefusal.replayedProof)
    }
  }

  private func proof(_ request: Request, of token: String) throws -> DPoPProof {
    let proof: DPoPProof?
    do {
      proof = try dpop.proof(
        request.headers[values: .dpop], method: request.method.rawValue, path: request.uri.path, accessToken: token)
    } catch {
      throw OAuthProblem(dpop: error)
    }
    guard let proof else {
      throw OAuthProblem(dpop: OAuthError(.invalidDPoPProof, "send a DPoP proof with the access token"))
    }
    return proof
  }
}

extension String {
  /// The scheme in lower case (RFC 9110 section 11.1) and what follows it in an Authorization header.
  fileprivate var credential: (scheme: String, value: String)? {
    let parts = split(separator: " ", omittingEmptySubsequences: true)
    guard parts.count == 2 else { return nil }
    return (parts[0].lowercased(), String(parts[1]))
  }
}
