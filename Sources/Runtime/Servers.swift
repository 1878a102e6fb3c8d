import API
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

extension Runtime {
  /// The API as a service; `onListening` is told the port.
  public func apiServer(
    patience: RequestDeadlines.Patience = .init(), onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) -> any Service {
    let server = server(
      services.responder(), at: settings.listen, what: "api", patience: patience, onListening: onListening)
    return Listening(server: server, setting: "QIAO_LISTEN")
  }

  /// The metrics as a service.
  public func metricsServer(onListening: @escaping @Sendable (Int) -> Void = { _ in }) -> any Service {
    let server = server(
      services.metricsResponder(), at: settings.metricsListen, what: "metrics", patience: .init(),
      onListening: onListening)
    return Listening(server: server, setting: "QIAO_METRICS_LISTEN")
  }

  private func server<Responder: HTTPResponder>(
    _ responder: Responder, at address: Settings.Address, what: String, patience: RequestDeadlines.Patience,
    onListening: @escaping @Sendable (Int) -> Void
  ) -> any Service where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .notice)
    return Application(
      responder: responder,
      server: .http1(configuration: .init(additionalChannelHandlers: [RequestDeadlines(patience)])),
      configuration: ApplicationConfiguration(
        address: .hostname(address.host, port: address.port), serverName: nil, backlog: 1024),
      onServerRunning: { [logger] channel in
        let port = channel.localAddress?.port ?? address.port
        logger.notice("listening", metadata: ["what": "\(what)", "listening": "\(address.host):\(port)"])
        onListening(port)
      },
      logger: quiet)
  }

  /// Closes the database last: a service that does nothing until the others are done.
  public struct Closing: Service {
    let runtime: Runtime

    /// Waits for the graceful shutdown, then closes.
    public func run() async throws {
      try? await gracefulShutdown()
      await runtime.shutdown()
    }
  }

  /// See `Closing`; name it first in a service group, which stops its services in reverse order.
  public var closing: Closing { Closing(runtime: self) }
}
