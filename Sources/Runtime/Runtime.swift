import API
import EventLoop
import Federation
import FoundationEssentials
import Identity
import Logging
import Observability
import Outbound
import Postgres
import Secrets
import Tenancy
import WeChat

/// Everything a process of ours needs, put together once from the settings: by every main and by the tests.
public struct Runtime: Sendable {
  /// The settings.
  public let settings: Settings
  /// The root logger.
  public let logger: Logger
  /// All metrics of the process.
  public let metrics: Metrics
  /// The connections to PostgreSQL.
  public let pool: PostgresPool
  /// The parts of the API.
  public let services: Services
  /// WeChat, as the providers ask it.
  let wechat: WeChatClient
  /// The clock of the rules.
  let now: @Sendable () -> Date
  /// The thread of sockets and timers.
  let loop: EventLoop

  /// Puts everything together; connections are opened at once, in the background.
  /// - Parameter now: the clock of the rules.
  public init(
    settings: Settings, label: String, logger: Logger? = nil, now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.settings = settings
    let logger = logger ?? Logger(label: label) { JSONLogHandler(label: $0, level: settings.logLevel) }
    self.logger = logger
    let metrics = Metrics()
    self.metrics = metrics
    let loop = EventLoop(name: "qiao-io")
    self.loop = loop
    let pool = PostgresPool(
      PostgresConfiguration(uri: settings.databaseURL.expose(), applicationName: label), loop: loop, logger: logger)
    self.pool = pool
    Self.declare(metrics, pool: pool)
    let wechat = WeChatClient(
      http: HTTPClient(loop: loop), baseURL: settings.wechatURL,
      onFailure: { Self.log($2, of: $0, appID: $1, to: logger) },
      onCall: { endpoint, errcode in metrics.add("qiao_wechat_calls_total", [endpoint, errcode]) })
    self.wechat = wechat
    self.now = now
    let database = Database(pool: pool)
    services = Services(
      database: database, ring: settings.masterKeys, publicURL: settings.publicURL, miniapp: wechat, web: wechat,
      phones: wechat, pages: OpenPages(baseURL: settings.wechatOpenURL),
      appTokens: wechat, pushes: WeChatPushes(), operatorToken: settings.operatorToken,
      isProduction: settings.isProduction,
      limits: settings.rateLimits, proxies: settings.trustedProxies, metrics: metrics,
      logger: logger, readingKeys: Self.keyReader(loop, isProduction: settings.isProduction), now: now)
  }

  /// A database behind one connection of its own, and what closes it.
  public func connection(named name: String) -> (Database, close: @Sendable () async -> Void) {
    let pool = PostgresPool(
      PostgresConfiguration(uri: settings.databaseURL.expose(), applicationName: name, connections: 1), loop: loop,
      logger: logger)
    return (Database(pool: pool), { await pool.shutdown() })
  }

  /// Closes the connections and stops the loop; call it when nothing uses them any more.
  public func shutdown() async {
    await pool.shutdown()
    loop.shutdown()
  }

  /// What WeChat refused: its number, and the id with which it explains a request for a week. What a person can cause is no warning.
  private static func log(_ failure: ProviderFailure, of endpoint: String, appID: String, to logger: Logger) {
    let isPersons = failure.retry == .relogin || failure.code == "wechat_user_blocked"
    logger.log(
      level: isPersons ? .info : .warning, "WeChat refused a call",
      metadata: [
        "endpoint": "\(endpoint)", "app_id": "\(appID)", "errcode": "\(failure.errcode.map(String.init) ?? "none")",
        "wechat_request_id": "\(failure.requestID ?? "none")", "code": "\(failure.code)",
      ])
  }

  private static func declare(_ metrics: Metrics, pool: PostgresPool) {
    metrics.declareCounter(
      "qiao_http_requests_total", "Requests answered.", labels: ["route", "method", "status"])
    metrics.declareHistogram(
      "qiao_http_request_duration_seconds", "From the request's head to the answer.", labels: ["route"])
    metrics.declareCounter("qiao_wechat_calls_total", "Calls to WeChat.", labels: ["endpoint", "errcode"])
    metrics.declareGauge("qiao_db_pool_connections", "Connections to PostgreSQL.", labels: ["state"])
    metrics.declareGauge("qiao_db_pool_waiters", "Batches that wait for a connection.")
    metrics.collect { metrics in
      let gauges = pool.gauges
      metrics.set("qiao_db_pool_connections", ["idle"], to: Double(gauges.idle))
      metrics.set("qiao_db_pool_connections", ["busy"], to: Double(gauges.busy))
      metrics.set("qiao_db_pool_connections", ["connecting"], to: Double(gauges.connecting))
      metrics.set("qiao_db_pool_waiters", to: Double(gauges.waiters))
    }
  }
}
