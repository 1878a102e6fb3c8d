import Crypto
import CryptoExtras
import FoundationEssentials
import Observability
import Secrets

/// Hashes of passwords: scrypt (RFC 7914) with N = 2^15, r = 8, p = 1, in the form `$scrypt$15$8$1$salt$hash`.
///
/// One takes about 32 MiB and tens of milliseconds, so they are made on threads of their own: logins cannot take the threads of
/// everything else, nor all memory.
public enum PasswordHash {
  private static let cost = 15
  private static let length = 32

  /// The hash of a password with a fresh salt.
  /// - Throws: `ManagementRefusal.broken` when the crypto library refuses.
  public static func make(
    _ password: Secret<String>, on workers: PasswordWorkers = .shared
  ) async throws(ManagementRefusal) -> String {
    try await make(password, cost: cost, on: workers)
  }

  /// The same with N = 2^`cost`.
  static func make(
    _ password: Secret<String>, cost: Int, on workers: PasswordWorkers
  ) async throws(ManagementRefusal) -> String {
    let salt = RandomBytes.make(16)
    guard let hash = await derive(password, salt: salt, cost: cost, on: workers) else {
      throw .broken("password hashing")
    }
    return "$scrypt$\(cost)$8$1$\(Base64URL.string(salt))$\(Base64URL.string(hash))"
  }

  /// True when `password` has the hash `stored`; takes as long when it is `nil` or no hash of ours.
  public static func matches(
    _ password: Secret<String>, _ stored: String?, on workers: PasswordWorkers = .shared
  ) async -> Bool {
    let parts = (stored ?? "").split(separator: "$").map(String.init)
    guard parts.count == 6, parts[0] == "scrypt", let cost = Int(parts[1]), (10...20).contains(cost), parts[2] == "8",
      parts[3] == "1", let salt = Base64URL.decode(parts[4]), let hash = Base64URL.decode(parts[5])
    else {
      _ = await derive(password, salt: [UInt8](repeating: 0, count: 16), cost: cost, on: workers)
      return false
    }
    guard let derived = await derive(password, salt: salt, cost: cost, on: workers) else { return false }
    return Digest.equal(derived, hash)
  }

  /// True when `stored` was made with the parameters of today.
  static func isCurrent(_ stored: String?) -> Bool { stored?.hasPrefix("$scrypt$\(cost)$8$1$") == true }

  private static func derive(
    _ password: Secret<String>, salt: [UInt8], cost: Int, on workers: PasswordWorkers
  ) async -> [UInt8]? {
    await workers.run {
      let key = try? KDF.Scrypt.deriveKey(
        from: Array(password.expose().utf8), salt: salt, outputByteCount: length, rounds: 1 << cost, blockSize: 8,
        parallelism: 1, maxMemory: 64 << 20)
      return key?.withUnsafeBytes { Array($0) }
    }
  }
}
