import OAuth

/// The proxies whose word about a client we take (`QIAO_TRUSTED_PROXIES`).
public struct TrustedProxies: Sendable {
  private let networks: [(address: IPAddress, bits: Int)]

  /// None.
  public init() { networks = [] }

  /// Reads addresses and networks (`10.0.0.0/8, ::1`) separated by commas or white space; `nil` when one is neither.
  public init?(_ list: String) {
    var networks: [(address: IPAddress, bits: Int)] = []
    for entry in list.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      let parts = entry.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      guard let address = IPAddress(parts[0]) else { return nil }
      let width = address.isIPv6 ? 128 : 32
      guard let bits = parts.count == 2 ? Int(parts[1]) : width, (0...width).contains(bits) else { return nil }
      networks.append((address, 128 - width + bits))
    }
    self.networks = networks
  }

  /// True when `address` is one of them.
  public func contains(_ address: IPAddress) -> Bool {
    networks.contains { address.shares($0.bits, with: $0.address) }
  }

  /// The client behind `peer`: the last address in `X-Forwarded-For` that is not a trusted proxy itself.
  ///
  /// What stands left of it was written by the client and means nothing.
  public func client(peer: IPAddress, forwardedFor values: [String]) -> IPAddress {
    var client = peer
    for entry in values.flatMap({ $0.split(separator: ",") }).reversed() {
      guard contains(client) else { return client }
      guard let next = IPAddress(entry.drop { $0 == " " }.prefix { $0 != " " }) else { return client }
      client = next
    }
    return client
  }
}
