/// What an API key may do (contract section 5).
public enum APIScope: String, Sendable, CaseIterable, Hashable {
  /// Read everything of the tenant but users.
  case tenantRead = "tenant:read"
  /// Change identity applications and clients.
  case tenantWrite = "tenant:write"
  /// Read users, identities and sessions.
  case usersRead = "users:read"
  /// Change users, unlink identities, end sessions.
  case usersWrite = "users:write"
  /// Read WeChat app access tokens.
  case wechatTokensRead = "wechat-tokens:read"
  /// Mint and end API keys.
  case keysWrite = "keys:write"
  /// Read audit events.
  case auditRead = "audit:read"
  /// Run jobs.
  case jobsWrite = "jobs:write"
}
