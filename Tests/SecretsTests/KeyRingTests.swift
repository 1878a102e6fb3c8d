import Foundation
import Secrets
import Testing

@Suite struct KeyRingTests {
  private static let one = "k1:\(Data(repeating: 1, count: 32).base64EncodedString())"
  private static let two = "k2:\(Data(repeating: 2, count: 32).base64EncodedString())"
  private let tenant = UUID()

  private func place(
    tenant: UUID? = nil, table: String = "t", column: String = "c", row: String = "r"
  ) -> KeyRing.Place {
    KeyRing.Place(tenant: tenant ?? self.tenant, table: table, column: column, row: row)
  }

  @Test("a sealed value opens only in its tenant, table, column and row")
  func associatedData() throws {
    let ring = try KeyRing(Self.one)
    let sealed = ring.seal(Array("secret".utf8), for: place())
    #expect(try ring.open(sealed, for: place()) == Array("secret".utf8))
    for elsewhere in [
      place(tenant: UUID()), place(table: "u"), place(column: "d"), place(row: "s"), place(table: "t|c", column: "r"),
    ] {
      #expect(throws: KeyRing.Fault.damaged) { try ring.open(sealed, for: elsewhere) }
    }
  }

  @Test("the first key seals, every key opens, a missing one is named")
  func rotation() throws {
    let old = try KeyRing(Self.one).seal([1, 2, 3], for: place())
    let both = try KeyRing("\(Self.two), \(Self.one)")
    #expect(try both.open(old, for: place()) == [1, 2, 3])
    let new = both.seal([1, 2, 3], for: place())
    #expect(KeyRing.keyID(of: new) == "k2")
    #expect(throws: KeyRing.Fault.unknownKey("k2")) { try KeyRing(Self.one).open(new, for: place()) }
  }

  @Test("every altered byte and every cut is noticed")
  func damage() throws {
    let ring = try KeyRing(Self.one)
    let sealed = ring.seal([7], for: place())
    for index in sealed.indices {
      var altered = sealed
      altered[index] ^= 1
      #expect(throws: KeyRing.Fault.self) { try ring.open(altered, for: place()) }
      #expect(throws: KeyRing.Fault.self) { try ring.open(Array(sealed[..<index]), for: place()) }
    }
  }

  @Test("the same value is never sealed to the same bytes")
  func nonce() throws {
    let ring = try KeyRing(Self.one)
    #expect(ring.seal([7], for: place()) != ring.seal([7], for: place()))
  }

  @Test(
    "a malformed list is refused without its values",
    arguments: ["", " ", "k1", "k1:abc", "k1:\(Data(repeating: 1, count: 31).base64EncodedString())", ":x", "k 1:x"])
  func malformed(list: String) {
    #expect { try KeyRing(list) } throws: { error in
      guard case KeyRing.Fault.malformed(let reason) = error else { return false }
      return !reason.contains("AQEB")
    }
    #expect(throws: KeyRing.Fault.self) { try KeyRing("\(Self.one),\(Self.one)") }
  }
}
