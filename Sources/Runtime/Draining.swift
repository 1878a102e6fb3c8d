import Logging
import ServiceLifecycle

extension ServiceGroupConfiguration {
  /// What our processes run: SIGTERM and SIGINT let what is in flight end, for eight seconds; then it is cancelled, so that a
  /// stalled upload or a service that hangs cannot hold the process past the ten seconds it has.
  public static func draining(_ services: [ServiceConfiguration], logger: Logger) -> ServiceGroupConfiguration {
    var configuration = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(8)
    return configuration
  }
}
