import ArgumentParser
import Foundation
import Jobs
import Logging
import Postgres
import ServiceLifecycle
import Tenancy

/// What every worker's main is made of: its settings, its loops, its health, and `--once`.
public protocol WorkerProcess: AsyncParsableCommand {
  /// The name of the executable.
  static var name: String { get }
  /// `--once`
  var once: Bool { get }
  /// The loops this worker runs.
  static func loops(_ worker: Worker) -> [any WorkerLoops]
}

/// A loop of any kind of work.
public protocol WorkerLoops: Service {
  /// Handles what is due, until nothing is.
  func drain() async throws -> Int
}

extension WorkerLoop: WorkerLoops {}

/// What the loops of a worker are made from.
public struct Worker: Sendable {
  /// The parts every process has.
  public let runtime: Runtime
  /// A connection of its own for the sign of life.
  public let heartbeat: Database

  /// A loop over `work`.
  public func loop<Kind: Work>(_ work: Kind) -> any WorkerLoops {
    WorkerLoop(work, pool: runtime.pool, metrics: runtime.metrics, logger: runtime.logger)
  }
}

extension WorkerProcess {
  /// Runs until SIGTERM or SIGINT, or until nothing is due with `--once`.
  public func run() async throws {
    let settings: Settings
    do {
      settings = try Settings()
    } catch {
      FileHandle.standardError.write(Data("\(Self.name): \(error)\n".utf8))
      throw ExitCode(2)
    }
    // On a machine that it shares with a server a worker takes what logins leave over.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
    let runtime = Runtime(settings: settings, label: Self.name)
    let (heartbeat, close) = runtime.connection(named: "\(Self.name)-heartbeat")
    let loops = Self.loops(Worker(runtime: runtime, heartbeat: heartbeat))
    let services: [any Service] =
      once ? [Draining(loops: loops, logger: runtime.logger)] : [runtime.metricsServer()] + loops
    let members = services.map {
      ServiceGroupConfiguration.ServiceConfiguration(
        service: $0, successTerminationBehavior: once ? .gracefullyShutdownGroup : .cancelGroup)
    }
    do {
      try await ServiceGroup(configuration: .draining(members, logger: runtime.logger)).run()
    } catch let fault as Settings.Fault {
      FileHandle.standardError.write(Data("\(Self.name): \(fault)\n".utf8))
      throw ExitCode(2)
    }
    await close()
    await runtime.shutdown()
  }
}

/// `--once` as a service, so that a signal hands the work back instead of leaving its lease to run out.
private struct Draining: Service {
  let loops: [any WorkerLoops]
  let logger: Logger

  func run() async throws {
    try await cancelWhenGracefulShutdown {
      var handled = 0
      do {
        for loop in loops { handled += try await loop.drain() }
      } catch {
        guard Task.isCancelled else { throw error }
      }
      logger.notice(Task.isCancelled ? "stopped" : "nothing is due", metadata: ["handled": "\(handled)"])
    }
  }
}
