import Crypto
import FoundationEssentials
import Observability
import Synchronization

/// The master keys of an installation: the first encrypts, all decrypt.
///
/// A sealed value is `1 | length of kid | kid | nonce (12) | ciphertext | tag (16)`: AES-256-GCM (NIST SP 800-38D) under a key
/// derived for the tenant (HKDF-SHA-256, RFC 5869), with the place it belongs to as associated data, so that a value moved
/// to another row, column or tenant does not open.
public struct KeyRing: Sendable {
  /// Where a sealed value belongs.
  public struct Place: Sendable {
    let tenant: String
    let table: String
    let column: String
    let row: String

    /// The column of the row of a tenant's table.
    public init(tenant: UUID, table: String, column: String, row: String) {
      self.tenant = tenant.uuidString.lowercased()
      self.table = table
      self.column = column
      self.row = row
    }
  }

  /// Why a value could not be opened, or a setting not be read.
  public enum Fault: Error, Sendable, Equatable {
    /// The list of keys is not `kid:base64(32 bytes)`, separated by commas; says which entry.
    case malformed(String)
    /// The value was sealed with a key that is not in the ring.
    case unknownKey(String)
    /// The value is cut, altered, or belongs to another place.
    case damaged
  }

  private struct MasterKey: Sendable {
    let id: String
    let key: Secret<SymmetricKey>
  }

  /// Keys that were derived, by master key and tenant: deriving costs more than the sealing itself.
  private final class Derived: Sendable {
    /// Above this many all are forgotten, which is simpler than an order and as good.
    static let capacity = 10_000

    let keys = Mutex<[String: SymmetricKey]>([:])
  }

  private let keys: [MasterKey]
  private let known = Derived()

  /// Reads a list such as `k2:…,k1:…`.
  /// - Parameter list: `kid:base64(32 bytes)` separated by commas or white space; a kid has 1 to 32 of `A-Z a-z 0-9 _ -`.
  /// - Throws: `Fault.malformed` with the number of the bad entry, never its value.
  public init(_ list: String) throws(Fault) {
    let entries = list.split { $0 == "," || $0.isWhitespace }
    guard !entries.isEmpty else { throw .malformed("holds no key") }
    var keys: [MasterKey] = []
    for (index, entry) in entries.enumerated() {
      guard let colon = entry.firstIndex(of: ":") else { throw .malformed("entry \(index + 1) has no 'kid:'") }
      let id = String(entry[..<colon])
      guard (1...32).contains(id.utf8.count), id.utf8.allSatisfy(Self.isKeyIDByte) else {
        throw .malformed("entry \(index + 1) has a kid that is not 1 to 32 of A-Z a-z 0-9 _ -")
      }
      guard let bytes = Data(base64Encoded: String(entry[entry.index(after: colon)...])), bytes.count == 32 else {
        throw .malformed("entry \(index + 1) ('\(id)') is not base64 of 32 bytes")
      }
      guard !keys.contains(where: { $0.id == id }) else { throw .malformed("kid '\(id)' stands twice") }
      keys.append(MasterKey(id: id, key: Secret(SymmetricKey(data: bytes))))
    }
    self.keys = keys
  }

  /// The id of the key that encrypts.
  public var currentKeyID: String { keys[0].id }

  /// The id of the key `sealed` was made with; `nil` when it is no sealed value.
  public static func keyID(of sealed: [UInt8]) -> String? {
    guard sealed.count > 2, sealed[0] == 1, sealed.count >= 2 + Int(sealed[1]) else { return nil }
    return String(decoding: sealed[2..<2 + Int(sealed[1])], as: UTF8.self)
  }

  /// Encrypts `plaintext` for `place` with the first key.
  public func seal(_ plaintext: [UInt8], for place: Place) -> [UInt8] {
    let key = keys[0]
    var sealed: [UInt8] = [1, UInt8(key.id.utf8.count)]
    sealed.append(contentsOf: key.id.utf8)
    // AES-GCM of a whole array with a fresh nonce fails only for keys of a wrong size, and ours have 32 bytes.
    guard
      let box = try? AES.GCM.seal(plaintext, using: derived(key, place.tenant), authenticating: Self.associated(place)),
      let combined = box.combined
    else { preconditionFailure("AES-256-GCM refused a 32-byte key") }
    sealed.append(contentsOf: combined)
    return sealed
  }

  /// Decrypts what `seal` made for the same place.
  /// - Throws: `Fault.unknownKey` or `Fault.damaged`.
  public func open(_ sealed: [UInt8], for place: Place) throws(Fault) -> [UInt8] {
    guard let id = Self.keyID(of: sealed) else { throw .damaged }
    guard let key = keys.first(where: { $0.id == id }) else { throw .unknownKey(id) }
    do {
      let box = try AES.GCM.SealedBox(combined: sealed[(2 + Int(sealed[1]))...])
      return Array(try AES.GCM.open(box, using: derived(key, place.tenant), authenticating: Self.associated(place)))
    } catch {
      throw .damaged
    }
  }

  /// A key for another purpose, 32 bytes, made from the first master key (HKDF-SHA-256).
  ///
  /// For what outlives a rotation of the master keys, or is read on a node whose ring has another order, see `derivedKeys`.
  public func derivedKey(_ purpose: String) -> [UInt8] {
    derived(keys[0], purpose).withUnsafeBytes { Array($0) }
  }

  /// Keys for another purpose, one of each master key: the first makes, all recognise.
  public func derivedKeys(_ purpose: String) -> [[UInt8]] {
    keys.map { key in derived(key, purpose).withUnsafeBytes { Array($0) } }
  }

  private func derived(_ key: MasterKey, _ info: String) -> SymmetricKey {
    let name = "\(key.id) \(info)"
    if let derived = known.keys.withLock({ $0[name] }) { return derived }
    let derived = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: key.key.expose(), info: Array(info.utf8), outputByteCount: 32)
    known.keys.withLock { keys in
      if keys.count >= Derived.capacity { keys.removeAll(keepingCapacity: true) }
      keys[name] = derived
    }
    return derived
  }

  private static func associated(_ place: Place) -> [UInt8] {
    Array("\(place.tenant)|\(place.table)|\(place.column)|\(place.row)".utf8)
  }

  private static func isKeyIDByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
    default: false
    }
  }
}
