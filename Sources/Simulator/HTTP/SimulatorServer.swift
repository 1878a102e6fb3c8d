import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore
import ServiceLifecycle

/// The simulator as a service: WeChat's endpoints, the control API, and a page that says what this is.
public struct SimulatorServer: Service {
  /// The simulated WeChat.
  public let world: World
  private let host: String
  private let port: Int
  private let logger: Logger
  private let onListening: @Sendable (Int) -> Void

  /// A server at `host` and `port` (0 lets the system choose; `onListening` is told).
  public init(
    world: World = World(), host: String = "127.0.0.1", port: Int, logger: Logger,
    onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.world = world
    self.host = host
    self.port = port
    self.logger = logger
    self.onListening = onListening
  }

  /// Registers the apps and users of a seed: `{"apps": […], "users": […]}` with the bodies of the control API.
  /// - Throws: an error that says what is wrong with it.
  public func seed(_ json: [UInt8]) throws {
    guard let seed = (try? JSONValue(parsing: json))?.object else {
      throw SeedError(description: "the seed is not a JSON object")
    }
    let control = Control(world: world)
    do {
      for app in seed["apps"]?.array ?? [] { _ = try control.app(app.object ?? JSONObject()) }
      for user in seed["users"]?.array ?? [] { _ = try control.person(user.object ?? JSONObject()) }
    } catch let error as ControlError {
      throw SeedError(description: error.message)
    }
  }

  /// What is wrong with a seed.
  public struct SeedError: Error, CustomStringConvertible {
    /// One line.
    public let description: String
  }

  /// Serves until it is told to stop.
  public func run() async throws {
    let router = Router(context: SimulatorContext.self)
    router.add(middleware: ControlErrors())
    for endpoint in world.endpoints() { endpoint.add(to: router) }
    Control(world: world).add(to: router)
    OAuthPages(world: world).add(to: router)
    let application = Application(
      router: router, configuration: ApplicationConfiguration(address: .hostname(host, port: port), backlog: 1024),
      onServerRunning: { [logger, host, port, onListening] channel in
        let bound = channel.localAddress?.port ?? port
        logger.notice("listening", metadata: ["listening": "\(host):\(bound)"])
        onListening(bound)
      },
      logger: logger)
    try await application.run()
  }
}

/// Turns refusals of the control API into JSON.
private struct ControlErrors: RouterMiddleware {
  func handle(
    _ request: Request, context: SimulatorContext, next: (Request, SimulatorContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as ControlError {
      return Control.json(error.status) { $0.member("error", error.message) }
    }
  }
}
