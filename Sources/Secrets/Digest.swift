import Crypto

/// Hashes of machine-made secrets.
///
/// SHA-256 is enough where the secret has 256 random bits: nothing can be guessed, so nothing needs to be slow.
public enum Digest {
  /// SHA-256 of `bytes`, 32 bytes (FIPS 180-4).
  public static func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var hash = SHA256()
    let done: Void? = bytes.withContiguousStorageIfAvailable { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    if done == nil { hash.update(data: Array(bytes)) }
    return Array(hash.finalize())
  }

  /// HMAC-SHA-256, 32 bytes (RFC 2104).
  public static func hmac(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
  }

  /// True when both are the same, in a time that tells only their lengths.
  public static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }
}
