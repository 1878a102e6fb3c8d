import Glibc

/// Random bytes from the operating system.
public enum RandomBytes {
  /// `count` bytes from the system's generator, in one call of getentropy(3) for each 256.
  public static func make(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count, let start = buffer.baseAddress {
        let piece = min(count - filled, 256)
        // Outside of the precondition: an unchecked build leaves its condition out.
        let code = getentropy(start + filled, piece)
        precondition(code == 0, "the system gives no random bytes")
        filled += piece
      }
    }
  }
}
