import API
import Foundation
import Logging
import Observability
import Postgres
import Secrets

/// The settings of every executable, from the environment; each also as `NAME_FILE` with the path of a file that holds the value.
public struct Settings: Sendable {
  /// A setting that stops the start: its name and what is wrong, never its value.
  public struct Fault: Error, Sendable, CustomStringConvertible {
    /// One line.
    public let description: String

    init(_ name: String, _ reason: String) {
      description = "\(name) \(reason)"
    }
  }

  /// Where to listen.
  public struct Address: Sendable, Equatable {
    /// A host name or address.
    public let host: String
    /// 0 lets the system choose.
    public let port: Int
  }

  /// `QIAO_DATABASE_URL`
  public let databaseURL: Secret<String>
  /// `QIAO_LISTEN`
  public let listen: Address
  /// `QIAO_PUBLIC_URL`, without a slash at its end.
  public let publicURL: String
  /// `QIAO_MASTER_KEYS`
  public let masterKeys: KeyRing
  /// `QIAO_OPERATOR_TOKEN`; `nil` closes the operator API.
  public let operatorToken: Secret<String>?
  /// True for `QIAO_ENV=production`.
  public let isProduction: Bool
  /// `QIAO_WECHAT_API_URL`, without a slash at its end.
  public let wechatURL: String
  /// `QIAO_WECHAT_OPEN_URL`, without a slash at its end.
  public let wechatOpenURL: String
  /// `QIAO_TRUSTED_PROXIES`
  public let trustedProxies: TrustedProxies
  /// `QIAO_RATE_LIMIT_OPERATOR`, `_TENANT`, `_CLIENT`, `_ADDRESS`
  public let rateLimits: RateLimits
  /// `QIAO_METRICS_LISTEN`
  public let metricsListen: Address
  /// `QIAO_LOG_LEVEL`
  public let logLevel: Logger.Level

  /// WeChat's own hosts; in production nothing else is asked.
  private static let wechatHosts: Set<String> = [
    "api.weixin.qq.com", "api2.weixin.qq.com", "sh.api.weixin.qq.com", "sz.api.weixin.qq.com", "hk.api.weixin.qq.com",
  ]

  /// Reads the settings.
  /// - Throws: `Fault` for the first setting that is missing or wrong.
  public init(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws(Fault) {
    let source = Source(environment: environment)
    let uri = try source.required("QIAO_DATABASE_URL")
    if let fault = PostgresConfiguration.fault(inURI: uri) {
      throw Fault("QIAO_DATABASE_URL", "cannot be used: \(fault)")
    }
    databaseURL = Secret(uri)
    listen = try Self.address("QIAO_LISTEN", try source.optional("QIAO_LISTEN") ?? "127.0.0.1:8080")
    metricsListen = try Self.address(
      "QIAO_METRICS_LISTEN", try source.optional("QIAO_METRICS_LISTEN") ?? "127.0.0.1:9090")
    switch try source.optional("QIAO_ENV") ?? "development" {
    case "production": isProduction = true
    case "development": isProduction = false
    default: throw Fault("QIAO_ENV", "must be 'development' or 'production'")
    }
    publicURL = try Self.url(
      "QIAO_PUBLIC_URL", try source.optional("QIAO_PUBLIC_URL") ?? "http://\(listen.host):\(listen.port)",
      httpsOnly: isProduction)
    do {
      masterKeys = try KeyRing(try source.required("QIAO_MASTER_KEYS"))
    } catch let fault as KeyRing.Fault {
      guard case .malformed(let reason) = fault else { throw Fault("QIAO_MASTER_KEYS", "cannot be read") }
      throw Fault("QIAO_MASTER_KEYS", reason)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault("QIAO_MASTER_KEYS", "cannot be read")
    }
    operatorToken = try source.optional("QIAO_OPERATOR_TOKEN").map(Secret.init)
    if let operatorToken, operatorToken.expose().utf8.count < 16 {
      throw Fault("QIAO_OPERATOR_TOKEN", "must have at least 16 characters")
    }
    wechatURL = try Self.url(
      "QIAO_WECHAT_API_URL", try source.optional("QIAO_WECHAT_API_URL") ?? "https://api.weixin.qq.com",
      httpsOnly: isProduction)
    if isProduction, !Self.wechatHosts.contains(URL(string: wechatURL)?.host ?? "") {
      throw Fault("QIAO_WECHAT_API_URL", "must be one of WeChat's own hosts in production")
    }
    wechatOpenURL = try Self.url(
      "QIAO_WECHAT_OPEN_URL", try source.optional("QIAO_WECHAT_OPEN_URL") ?? "https://open.weixin.qq.com",
      httpsOnly: isProduction)
    if isProduction, wechatOpenURL != "https://open.weixin.qq.com" {
      throw Fault("QIAO_WECHAT_OPEN_URL", "must be WeChat's own in production")
    }
    guard let proxies = TrustedProxies(try source.optional("QIAO_TRUSTED_PROXIES") ?? "") else {
      throw Fault("QIAO_TRUSTED_PROXIES", "must be a list of addresses and networks, such as 10.0.0.0/8, ::1")
    }
    trustedProxies = proxies
    rateLimits = try Self.limits(source)
    let level = try source.optional("QIAO_LOG_LEVEL") ?? "info"
    guard let parsed = Logger.Level(rawValue: level) else {
      throw Fault("QIAO_LOG_LEVEL", "must be one of trace, debug, info, notice, warning, error, critical")
    }
    logLevel = parsed
  }

  /// Requests a second, twice as many at once. Without a setting there is no limit.
  private static func limits(_ source: Source) throws(Fault) -> RateLimits {
    func limiter(_ name: String) throws(Fault) -> RateLimiter? {
      guard let text = try source.optional(name) else { return nil }
      guard let perSecond = Double(text), (0.01...1_000_000).contains(perSecond) else {
        throw Fault(name, "must be a number of requests a second, from 0.01 to 1000000")
      }
      return RateLimiter(RateLimiter.Limit(perSecond: perSecond, burst: max(1, perSecond * 2)))
    }
    var limits = RateLimits()
    limits.forOperator = try limiter("QIAO_RATE_LIMIT_OPERATOR")
    limits.tenant = try limiter("QIAO_RATE_LIMIT_TENANT")
    limits.client = try limiter("QIAO_RATE_LIMIT_CLIENT")
    limits.address = try limiter("QIAO_RATE_LIMIT_ADDRESS")
    return limits
  }

  private static func address(_ name: String, _ text: String) throws(Fault) -> Address {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port), colon > text.startIndex
    else { throw Fault(name, "must be host:port") }
    return Address(host: String(text[..<colon].filter { $0 != "[" && $0 != "]" }), port: port)
  }

  private static func url(_ name: String, _ text: String, httpsOnly: Bool) throws(Fault) -> String {
    guard let url = URL(string: text), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host != nil,
      url.query == nil, url.fragment == nil, url.user == nil
    else { throw Fault(name, "must be an http or https URL without query, fragment or user") }
    guard !httpsOnly || scheme == "https" else { throw Fault(name, "must be https in production") }
    return text.hasSuffix("/") ? String(text.dropLast()) : text
  }
}

/// Values by name, from the environment or from the file it names.
private struct Source {
  let environment: [String: String]

  func optional(_ name: String) throws(Settings.Fault) -> String? {
    if let value = environment[name], !value.isEmpty { return value }
    guard let path = environment["\(name)_FILE"], !path.isEmpty else { return nil }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Settings.Fault("\(name)_FILE", "names a file that cannot be read")
    }
    let value = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !value.isEmpty else { throw Settings.Fault("\(name)_FILE", "names an empty file") }
    return value
  }

  func required(_ name: String) throws(Settings.Fault) -> String {
    guard let value = try optional(name) else {
      throw Settings.Fault(name, "is not set: set it, or \(name)_FILE to the path of a file that holds it")
    }
    return value
  }
}
