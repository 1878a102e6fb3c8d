import Observability
import Outbound
import RawServer
import Testing

@Suite("The guard of addresses a tenant wrote", .timeLimit(.minutes(1)))
struct AddressGuardTests {
  @Test(
    "nothing private, local, special or of a cloud's inside is permitted",
    arguments: [
      [0, 0, 0, 0], [10, 1, 2, 3], [100, 64, 0, 1], [100, 100, 100, 200], [169, 254, 169, 254], [172, 16, 0, 1],
      [172, 31, 255, 255], [192, 168, 1, 1], [192, 0, 0, 1], [192, 0, 2, 1], [198, 18, 0, 1], [198, 51, 100, 1],
      [203, 0, 113, 1], [192, 88, 99, 1], [224, 0, 0, 1], [255, 255, 255, 255], [168, 63, 129, 16],
    ] as [[UInt8]])
  func refused4(address: [UInt8]) {
    let zeros = [UInt8](repeating: 0, count: 10)
    for flag in [true, false] {
      #expect(!AddressGuard.permits(address, loopback: flag))
      #expect(!AddressGuard.permits(zeros + [0xFF, 0xFF] + address, loopback: flag))
      #expect(!AddressGuard.permits([0, 0x64, 0xFF, 0x9B] + zeros[..<8] + address, loopback: flag))
      #expect(!AddressGuard.permits(zeros + [0, 0] + address, loopback: flag))
    }
  }

  @Test(
    "public addresses are permitted",
    arguments: [[1, 1, 1, 1], [172, 32, 0, 1], [100, 128, 0, 1], [203, 0, 112, 1]] as [[UInt8]])
  func permitted4(address: [UInt8]) {
    #expect(AddressGuard.permits(address, loopback: false))
  }

  @Test("of IPv6 only the ordinary global addresses are permitted")
  func ipv6() {
    func permits(_ start: [UInt8], loopback: Bool = false) -> Bool {
      AddressGuard.permits(start + [UInt8](repeating: 0, count: 15 - start.count) + [1], loopback: loopback)
    }
    #expect(permits([0x24, 0x0E]))
    #expect(permits([0x26, 0x06, 0x47]))
    for start: [UInt8] in [
      [0xFC], [0xFD, 0, 0x0E, 0xC2], [0xFE, 0x80], [0xFE, 0xC0], [0xFF, 0x02], [0x20, 0x01, 0, 0],
      [0x20, 0x01, 0x0D, 0xB8],
      [0x20, 0x02, 10, 0], [0x3F, 0xFF, 0], [0x01, 0],
    ] {
      #expect(!permits(start, loopback: true), "\(start)")
    }
    #expect(!permits([]))
    #expect(permits([], loopback: true))
    #expect(!AddressGuard.permits([127, 0, 0], loopback: true))
  }

  @Test(
    "loopback needs the flag, whichever way the URL names it",
    arguments: ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
  func loopback(host: String) async throws {
    let server = try RawServer(answering: answer([]))
    let url = Secret("http://\(host):\(server.port)/jwks")
    let strict = HTTPClient(loop: loop, reach: .publicOnly)
    #expect(await failure(of: strict, HTTPRequest("GET", url)) == .refusedAddress)
    #expect(server.connections == 0)
    let lenient = HTTPClient(loop: loop, reach: .publicOrLoopback)
    #expect(await failure(of: lenient, HTTPRequest("GET", url)) == nil)
    #expect(server.connections == 1)
  }

  @Test("a metadata address is refused before a packet leaves")
  func metadata() async {
    let client = HTTPClient(loop: loop, reach: .publicOrLoopback)
    let request = HTTPRequest("GET", Secret("http://169.254.169.254/latest/meta-data/"))
    #expect(await failure(of: client, request) == .refusedAddress)
  }
}
