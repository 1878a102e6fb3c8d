import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import JSON
import NIOCore
import Secrets

/// Answers a POST with an `Idempotency-Key` once (contract section 5): the same request again gets the first answer.
///
/// An answer is kept sealed, because it may hold a secret that is shown once. Only success is kept: a refusal did nothing, so
/// the same request may succeed later.
struct Idempotency: Sendable {
  private let ring: KeyRing

  init(ring: KeyRing) { self.ring = ring }

  /// The answer of `handle`, or the kept one.
  /// - Parameter caller: whose keys they are; another caller's same key is another key.
  /// - Throws: `Problem` 409 `idempotency_key_reused` or `idempotency_key_in_flight`, and what `handle` throws.
  func answer(
    _ request: Request, from answers: some IdempotentAnswers, caller: String,
    _ handle: (Request) async throws -> Response
  ) async throws -> Response {
    guard let key = try Self.key(of: request) else { return try await handle(request) }
    var request = request
    let body = try await request.bytes()
    request.body = RequestBody(buffer: ByteBuffer(bytes: body))
    let place = IdempotencyPlace(
      key: Digest.sha256("\(caller)\n\(key)".utf8),
      request: Digest.sha256(Array("\(request.method.rawValue) \(request.uri.string)\n".utf8) + body))
    switch try await answers.begin(place) {
    case .begun: break
    case .otherRequest:
      throw Problem.conflict("idempotency_key_reused", "This Idempotency-Key was used for another request.")
    case .inFlight:
      var problem = Problem.conflict(
        "idempotency_key_in_flight", "The first request with this Idempotency-Key has no answer yet.")
      problem.headers[.retryAfter] = "1"
      throw problem
    case .answered(let status, let sealed): return try opened(status, sealed, place, answers.tenant)
    }
    let response: Response
    do {
      response = try await handle(request)
    } catch {
      // Of a write whose outcome is unknown the key stays taken for its minute, so that no quick repetition doubles it.
      if !Self.isUnknown(error) { try await answers.forget(place) }
      throw error
    }
    try await keep(response, place, answers)
    return response
  }

  private static func isUnknown(_ error: any Error) -> Bool {
    switch error as? ManagementRefusal {
    case .database(.unknownOutcome), .database(.timeout(sent: true)): true
    default: false
    }
  }

  private static func key(of request: Request) throws -> String? {
    let values = request.headers[values: .idempotencyKey]
    guard !values.isEmpty else { return nil }
    guard values.count == 1, (1...255).contains(values[0].utf8.count),
      values[0].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else {
      throw Problem(
        .badRequest, "malformed_idempotency_key",
        "Idempotency-Key must be one value of 1 to 255 printable ASCII characters.")
    }
    return values[0]
  }

  private func keep(_ response: Response, _ place: IdempotencyPlace, _ answers: some IdempotentAnswers) async throws {
    let body = try await response.body.collected()
    let kept = JSONWriter.object { json in
      for name in Self.keptHeaders { json.member(name.rawName, response.headers[name]) }
      json.member("body", String(decoding: body, as: UTF8.self))
    }
    try await answers.keep(place, Int(response.status.code), ring.seal(kept, for: sealPlace(place, answers.tenant)))
  }

  private static let keptHeaders: [HTTPField.Name] = [.contentType, .eTag, .location, .cacheControl]

  private func opened(_ status: Int, _ sealed: [UInt8], _ place: IdempotencyPlace, _ tenant: UUID) throws -> Response {
    let kept = try JSONValue(parsing: try ring.open(sealed, for: sealPlace(place, tenant))).object ?? JSONObject()
    var headers = HTTPFields()
    for name in Self.keptHeaders { headers[name] = kept[name.rawName]?.string }
    let body = kept["body"]?.string ?? ""
    return Response(
      status: .init(code: status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }

  private func sealPlace(_ place: IdempotencyPlace, _ tenant: UUID) -> KeyRing.Place {
    KeyRing.Place(
      tenant: tenant, table: "idempotency_keys", column: "response_sealed", row: Base64URL.string(place.key))
  }
}
