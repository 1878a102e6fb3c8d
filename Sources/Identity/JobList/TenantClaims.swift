import Jobs

extension AppTokenClaim: TenantClaim {
  /// Through which its scope is found.
  public var tenantSlug: String { tenant.slug }
}

extension PushClaim: TenantClaim {
  /// Through which its scope is found.
  public var tenantSlug: String { slug }
}

extension ReconciliationClaim: TenantClaim {
  /// Through which its scope is found.
  public var tenantSlug: String { slug }
}

extension BackchannelLogoutClaim: TenantClaim {
  /// Through which its scope is found.
  public var tenantSlug: String { slug }
}
