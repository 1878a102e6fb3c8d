import ArgumentParser
import Identity
import Runtime

/// `qiao-token-refresher`: keeps one current WeChat app access token for every client.
@main
struct TokenRefresher: WorkerProcess {
  static let name = "qiao-token-refresher"
  static let configuration = CommandConfiguration(
    commandName: name, abstract: "Keeps one current WeChat app access token for every client.",
    discussion: """
      Any number of them share the work through leases in the database. Settings come from the environment, as the server's; \
      /livez, /readyz and /metrics are on QIAO_METRICS_LISTEN.
      """, version: Version.current)

  @Flag(help: "Refresh what is due and exit.")
  var once = false

  static func loops(_ worker: Worker) -> [any WorkerLoops] {
    let services = worker.runtime.services
    return [
      worker.loop(
        AppTokenRefresh(database: services.database, heartbeat: worker.heartbeat, fetch: services.appTokenFetch))
    ]
  }
}
