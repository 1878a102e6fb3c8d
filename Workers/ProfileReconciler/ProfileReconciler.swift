import ArgumentParser
import Identity
import Runtime

/// `qiao-profile-reconciler`: asks WeChat again who the people of an application are, and keeps their profiles true.
@main
struct ProfileReconciler: WorkerProcess {
  static let name = "qiao-profile-reconciler"
  static let configuration = CommandConfiguration(
    commandName: name, abstract: "Runs reconciliations: asks WeChat again who the people of an application are.",
    discussion: """
      Any number of them share the work through leases in the database. Settings come from the environment, as the server's; \
      /livez, /readyz and /metrics are on QIAO_METRICS_LISTEN.
      """, version: Version.current)

  @Flag(help: "Do what is due and exit.")
  var once = false

  static func loops(_ worker: Worker) -> [any WorkerLoops] {
    [worker.loop(ReconciliationWork(worker.runtime.reconciler, heartbeat: worker.heartbeat))]
  }
}
