import Foundation
import Secrets
import Testing

@Suite struct OpaqueTokenTests {
  @Test("a token is read as it was made, and its hash is of the secret")
  func roundTrip() throws {
    let token = OpaqueToken.make(prefix: "qx")
    let read = try #require(OpaqueToken(token.text.expose(), prefix: "qx"))
    #expect(read.id == token.id && read.hash == token.hash)
    #expect(!"\(token)".contains(token.text.expose().dropFirst(30)))
  }

  @Test("another prefix, length or spelling is no token")
  func strict() {
    let text = OpaqueToken.make(prefix: "qx").text.expose()
    for wrong in [text + "A", String(text.dropLast()), "qy" + text.dropFirst(2), text + "=", " " + text, ""] {
      #expect(OpaqueToken(wrong, prefix: "qx") == nil, "\(wrong.count)")
    }
  }
}

@Suite struct Base64URLTests {
  @Test(
    "RFC 4648 section 10, without padding",
    arguments: [
      ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
      ("foobar", "Zm9vYmFy"),
    ])
  func vectors(plain: String, text: String) {
    #expect(Base64URL.string(plain.utf8) == text)
    #expect(Base64URL.decode(text) == Array(plain.utf8))
  }

  @Test("one value has one spelling", arguments: ["Zh", "Zm9", "Z", "Zg==", "Zm9v+/", "Zg\n", "Zm8é"])
  func canonical(text: String) {
    #expect(Base64URL.decode(text) == nil)
  }

  @Test("all bytes come back")
  func allBytes() {
    for length in 0..<70 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
      #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
    }
  }
}

@Suite struct UUIDv7Tests {
  @Test("later ones sort later, and tell their moment")
  func order() throws {
    let moments = (0..<50).map { Date(timeIntervalSince1970: 1_700_000_000 + Double($0) * 0.002) }
    let ids = moments.map { UUIDv7.make(at: $0) }
    #expect(ids.map(\.canonical) == ids.map(\.canonical).sorted())
    for (id, moment) in zip(ids, moments) {
      let told = try #require(UUIDv7.moment(of: id))
      #expect(abs(told.timeIntervalSince(moment)) < 0.0011)
    }
    #expect(UUIDv7.moment(of: UUID()) == nil)
    #expect(Set((0..<1000).map { _ in UUIDv7.make() }).count == 1000)
  }

  @Test("only the canonical spelling is read")
  func canonical() {
    let id = UUIDv7.make()
    #expect(UUID(canonical: id.canonical) == id)
    #expect(UUID(canonical: id.canonical.uppercased()) == nil)
    #expect(UUID(canonical: "{\(id.canonical)}") == nil)
  }
}
