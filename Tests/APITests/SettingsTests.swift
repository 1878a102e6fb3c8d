import Foundation
import TestSupport
import Testing

@Suite("settings of the executables")
struct SettingsTests {
  @Test(
    "a wrong setting stops the start with one line that names it, and never shows its value",
    arguments: [
      ("QIAO_DATABASE_URL", ""), ("QIAO_LISTEN", "nowhere"), ("QIAO_LISTEN", "127.0.0.1:99999"),
      ("QIAO_PUBLIC_URL", "ftp://s3cret"), ("QIAO_MASTER_KEYS", "k1:s3cret"), ("QIAO_MASTER_KEYS", ""),
      ("QIAO_OPERATOR_TOKEN", "s3cret"), ("QIAO_ENV", "prod"), ("QIAO_WECHAT_API_URL", "s3cret"),
      ("QIAO_WECHAT_OPEN_URL", "s3cret"),
      ("QIAO_METRICS_LISTEN", "x"), ("QIAO_LOG_LEVEL", "loud"),
      ("QIAO_TRUSTED_PROXIES", "10.0.0.0/33"), ("QIAO_RATE_LIMIT_TENANT", "many"), ("QIAO_RATE_LIMIT_ADDRESS", "0"),
      ("QIAO_MASTER_KEYS_FILE", "/nonexistent/s3cret"),
    ])
  func wrong(name: String, value: String) async throws {
    var environment = try await TestServer.shared().environment()
    if name.hasSuffix("_FILE") { environment[String(name.dropLast(5))] = nil }
    environment[name] = value
    let ended = try await Program("qiao-server", environment: environment).ended()
    #expect(ended.status == 2)
    let lines = ended.errors.split(separator: "\n")
    #expect(lines.count == 1 && lines.first?.contains(name) == true, "\(ended.errors)")
    #expect(!ended.errors.contains("s3cret"))
  }

  @Test("in production WeChat is WeChat and addresses are https")
  func production() async throws {
    let base = try await TestServer.shared().environment().merging(["QIAO_ENV": "production"]) { $1 }
    let plain = try await Program("qiao-server", environment: base).ended()
    #expect(plain.errors.contains("QIAO_PUBLIC_URL must be https"))
    let other = base.merging(["QIAO_PUBLIC_URL": "https://id.example", "QIAO_WECHAT_API_URL": "https://evil.example"]) {
      $1
    }
    let ended = try await Program("qiao-server", environment: other).ended()
    #expect(ended.errors.contains("QIAO_WECHAT_API_URL must be one of WeChat's own hosts"))
    let page = other.merging([
      "QIAO_WECHAT_API_URL": "https://api.weixin.qq.com", "QIAO_WECHAT_OPEN_URL": "https://evil.example",
    ]) { $1 }
    #expect(
      try await Program("qiao-server", environment: page).ended().errors.contains(
        "QIAO_WECHAT_OPEN_URL must be WeChat's own"))
  }

  @Test(
    "every executable tells its usage and version",
    arguments: [
      "qiao-server", "qiao", "wechat-simulator", "qiao-token-refresher", "qiao-profile-reconciler",
      "qiao-session-expirer",
    ])
  func help(name: String) async throws {
    let help = try await Program(name, ["--help"]).ended()
    #expect(help.status == 0 && help.output.contains("USAGE: \(name)"))
    let version = try await Program(name, ["--version"]).ended()
    #expect(version.status == 0 && version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }

  @Test("SIGTERM lets a server end cleanly within 10 s")
  func terminate() async throws {
    let server = try Program("qiao-server", environment: try await TestServer.shared().environment())
    _ = try await eventually("it to listen", limit: .seconds(30)) {
      server.log.contains("\"what\":\"api\"") ? true : nil
    }
    server.signal(SIGTERM)
    let ended = try await server.ended(limit: .seconds(10))
    #expect(ended.status == 0, "\(ended.errors)")
    for line in ended.errors.split(separator: "\n") { #expect(line.hasPrefix("{") && line.hasSuffix("}"), "\(line)") }
  }
}
