import FoundationEssentials
import Secrets

/// Makes and reads the `cursor` of lists: a position that only we can write.
///
/// base64url of `position | HMAC-SHA-256 (16 bytes)`, over the list, the tenant, the filters and the position, so that a
/// cursor of another list, tenant or filter is refused rather than misread.
public struct Cursors: Sendable {
  /// Which list a cursor belongs to.
  public struct List: Sendable {
    fileprivate let context: [UInt8]

    /// A list of a tenant (`nil` for the operator's) under a name, with its filters in a fixed order.
    public init(_ name: String, tenant: UUID?, filters: [(name: String, value: String?)] = []) {
      var context = Array("\(name)\n\(tenant?.canonical ?? "")\n".utf8)
      for (name, value) in filters {
        guard let value else { continue }
        // Lengths keep two different lists of filters from having one text.
        context += Array("\(name)=\(value.utf8.count):\(value)\n".utf8)
      }
      self.context = context
    }
  }

  private static let proofLength = 16
  private let keys: [[UInt8]]

  /// Cursors under keys of 32 bytes, such as `KeyRing.derivedKeys("cursors")`: the first makes, all recognise.
  public init(keys: [[UInt8]]) { self.keys = keys }

  /// The cursor that continues after `position`.
  public func text(after position: UUID, in list: List) -> String {
    Base64URL.string(position.bytes + Self.proof(position.bytes, list, keys[0]))
  }

  /// The position in a cursor; `nil` when we did not make it for this list.
  public func position(in text: String, of list: List) -> UUID? {
    guard text.utf8.count <= 64, let bytes = Base64URL.decode(text), bytes.count == 16 + Self.proofLength else {
      return nil
    }
    let isOurs = keys.contains { Digest.equal(Self.proof(Array(bytes[..<16]), list, $0), Array(bytes[16...])) }
    guard isOurs else { return nil }
    return UUID(bytes: bytes[..<16])
  }

  private static func proof(_ position: [UInt8], _ list: List, _ key: [UInt8]) -> [UInt8] {
    Array(Digest.hmac(list.context + position, key: key).prefix(proofLength))
  }
}
