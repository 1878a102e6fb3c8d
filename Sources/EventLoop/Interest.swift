extension EventLoop {
  /// What a descriptor is watched for, and what it is ready for.
  public struct Interest: OptionSet, Sendable, Hashable {
    /// Bits.
    public let rawValue: UInt8
    /// An interest of bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Data to read, the other end closed, or an error.
    public static let read = Interest(rawValue: 1)
    /// Room to write, or an error.
    public static let write = Interest(rawValue: 2)
  }
}
