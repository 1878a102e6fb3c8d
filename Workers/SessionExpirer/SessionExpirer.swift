import ArgumentParser
import Identity
import Runtime

/// `qiao-session-expirer`: ends what is past its life, tells relying parties, deletes what is past its retention.
@main
struct SessionExpirer: WorkerProcess {
  static let name = "qiao-session-expirer"
  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Ends what is past its life, tells relying parties, and deletes what is past its retention.",
    discussion: """
      Any number of them share the work through leases in the database. Settings come from the environment, as the server's; \
      /livez, /readyz and /metrics are on QIAO_METRICS_LISTEN.
      """, version: Version.current)

  @Flag(help: "Sweep what is due and exit.")
  var once = false

  static func loops(_ worker: Worker) -> [any WorkerLoops] {
    [
      worker.loop(ExpiryWork(database: worker.runtime.services.database, heartbeat: worker.heartbeat)),
      worker.loop(worker.runtime.backchannelLogouts(heartbeat: worker.heartbeat)),
    ]
  }
}
