import Identity
import Postgres
import ServiceLifecycle

/// Listens for refreshed app access tokens, so that the requests which wait for one go on at once.
public struct ArrivalListener: Service {
  let pool: PostgresPool
  let arrivals: AppTokenArrivals

  /// Listens until it is told to stop; a lost connection is opened again.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      for await notification in pool.notifications(AppTokenArrivals.channel) {
        switch notification {
        case .payload(let client): arrivals.arrived(client)
        case .listening, .reconnected: arrivals.mayHaveArrived()
        }
      }
      // The stream also ends when the pool is shut down; a service that returned early would end the whole process.
      try? await gracefulShutdown()
    }
  }
}

extension Runtime {
  /// See `ArrivalListener`.
  public var arrivalListener: ArrivalListener {
    ArrivalListener(pool: pool, arrivals: services.appTokenArrivals)
  }
}
