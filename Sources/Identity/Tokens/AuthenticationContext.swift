/// The authentication context classes of our issuers: `acr` in ID tokens (OpenID Connect Core section 2).
enum AuthenticationContext {
  /// One factor, two factors.
  static let values = ["1", "2"]
  /// Methods that are factors of their own (RFC 8176; `wechat` is ours).
  private static let factors: Set<String> = ["pwd", "wechat", "otp", "sms", "hwk", "swk", "pin", "fpt", "face"]

  /// The class of a sign-in by these methods.
  static func acr(of amr: [String]) -> String {
    amr.contains("mfa") || factors.intersection(amr).count > 1 ? "2" : "1"
  }
}
