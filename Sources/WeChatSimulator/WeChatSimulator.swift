import ArgumentParser
import Foundation
import Logging
import Observability
import ServiceLifecycle
import Simulator

/// `wechat-simulator`: WeChat's servers on this machine, for development and tests.
@main
struct WeChatSimulator: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wechat-simulator", abstract: "Simulate WeChat's servers.",
    discussion: """
      Register apps and make codes through the control API under /_sim/:

        curl -s localhost:9180/_sim/apps -d '{"appid":"wxdemo","secret":"s3cret"}'
        curl -s localhost:9180/_sim/codes -d '{"appid":"wxdemo","user":"alice"}'

      Sources/Simulator/README.md lists all its calls. Whoever can reach it can be anybody: keep it to yourself.
      """, version: "0.1.0")

  @Option(help: "Where to listen, host:port; port 0 lets the system choose. [env: WECHAT_SIM_LISTEN]")
  var listen: String?

  @Option(help: "A JSON file with apps and users to begin with. [env: WECHAT_SIM_SEED]")
  var seed: String?

  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel = "notice"

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let address = listen ?? environment["WECHAT_SIM_LISTEN"] ?? "127.0.0.1:9180"
    guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]),
      (0...65535).contains(port)
    else { throw fail("--listen must be host:port, for example 127.0.0.1:9180") }
    guard let level = Logger.Level(rawValue: logLevel) else { throw fail("--log-level is not a level") }
    let logger = Logger(label: "wechat-simulator") { JSONLogHandler(label: $0, level: level) }
    let server = SimulatorServer(host: String(address[..<colon]), port: port, logger: logger)
    if let path = seed ?? environment["WECHAT_SIM_SEED"] {
      guard let data = FileManager.default.contents(atPath: path) else { throw fail("the seed file cannot be read") }
      do {
        try server.seed(Array(data))
      } catch {
        throw fail("the seed file is wrong: \(error)")
      }
    }
    var configuration = ServiceGroupConfiguration(
      services: [.init(service: server)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    // It plays a WeChat that hangs, also while it is told to stop.
    configuration.maximumGracefulShutdownDuration = .seconds(5)
    try await ServiceGroup(configuration: configuration).run()
  }

  private func fail(_ message: String) -> ExitCode {
    FileHandle.standardError.write(Data("wechat-simulator: \(message)\n".utf8))
    return ExitCode(2)
  }
}
