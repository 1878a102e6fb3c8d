import ArgumentParser
import Identity
import Runtime

/// `qiao-profile-reconciler`: asks WeChat again who the people of an application are, and keeps their profiles true.
@main
struct ProfileReconciler: WorkerProcess {
  static let name = "qiao-profile-reconciler"
  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Asks WeChat again who the people of an application are, and applies what WeChat pushes.",
    discussion: """
      Any number of them share the work through leases in the database. Settings come from the environment, as the server's; \
      /livez, /readyz and /metrics are on QIAO_METRICS_LISTEN.
      """, version: Version.current)

  @Flag(help: "Do what is due and exit.")
  var once = false

  static func loops(_ worker: Worker) -> [any WorkerLoops] {
    let services = worker.runtime.services
    return [
      worker.loop(ReconciliationWork(worker.runtime.reconciler, heartbeat: worker.heartbeat)),
      worker.loop(PushWork(database: services.database, heartbeat: worker.heartbeat, ring: services.ring)),
    ]
  }
}
