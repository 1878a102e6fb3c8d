import Identity
import Logging
import ServiceLifecycle

/// Erases deleted tenants in the background of the server; any number of servers may do it at once.
public struct Housekeeper: Service {
  /// Between two looks: a deleted tenant is to be gone within a minute.
  private static let interval = Duration.seconds(5)

  let erasure: TenantErasure
  let logger: Logger

  /// Looks until it is told to stop.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          try await erasure.run { tenant, error in
            logger.warning(
              "erasing a deleted tenant failed; it is tried again",
              metadata: ["tenant": "\(tenant)", "reason": "\(error)"])
          }
        } catch {
          logger.warning("erasing deleted tenants failed; it is tried again", metadata: ["reason": "\(error)"])
        }
        try? await Task.sleep(for: Self.interval)
      }
    }
  }
}

extension Runtime {
  /// See `Housekeeper`.
  public var housekeeper: Housekeeper { Housekeeper(erasure: services.tenantErasure, logger: logger) }
}
