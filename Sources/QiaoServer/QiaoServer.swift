import ArgumentParser
import Foundation
import Runtime
import ServiceLifecycle

/// `qiao-server`: the API.
@main
struct QiaoServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "qiao-server", abstract: "The API server of Qiao.",
    discussion: "Settings come from the environment: QIAO_DATABASE_URL, QIAO_MASTER_KEYS and others; see README.md.",
    version: Version.current)

  func run() async throws {
    let settings: Settings
    do {
      settings = try Settings()
    } catch {
      FileHandle.standardError.write(Data("qiao-server: \(error)\n".utf8))
      throw ExitCode(2)
    }
    let runtime = Runtime(settings: settings, label: "qiao-server")
    let services: [any Service] = [
      runtime.closing, runtime.housekeeper, runtime.arrivalListener, runtime.metricsServer(), runtime.apiServer(),
    ]
    do {
      try await ServiceGroup(
        configuration: .draining(services.map { .init(service: $0) }, logger: runtime.logger)
      ).run()
    } catch let fault as Settings.Fault {
      FileHandle.standardError.write(Data("qiao-server: \(fault)\n".utf8))
      throw ExitCode(2)
    }
  }
}
