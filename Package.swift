// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
]

let crypto: [Target.Dependency] = [
  .product(name: "Crypto", package: "swift-crypto"),
  .product(name: "CryptoExtras", package: "swift-crypto"),
]
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")

/// A library of ours: one folder under `Sources`, imports only what stands here.
func library(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

/// An executable of ours.
func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

/// The tests of one target.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
  name: "qiao",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "qiao-server", targets: ["QiaoServer"]),
    .executable(name: "qiao", targets: ["QiaoCLI"]),
    .executable(name: "qiao-token-refresher", targets: ["TokenRefresher"]),
    .executable(name: "qiao-profile-reconciler", targets: ["ProfileReconciler"]),
    .executable(name: "qiao-session-expirer", targets: ["SessionExpirer"]),
    .executable(name: "wechat-simulator", targets: ["WeChatSimulator"]),
  ],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
  ],
  targets: [
    // C libraries and the thinnest shims over them.
    .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .target(name: "CEpoll"),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),

    // Imports point down only; a target may import what stands above it here.
    library("EventLoop", ["CEpoll"]),
    library("Query", []),
    library("JSON", []),
    library("Observability", [log]),
    library("Postgres", ["CLibpq", "EventLoop", "Query", log, collections]),
    library("Outbound", ["CCurl", "EventLoop", "Observability"]),
    library("Secrets", ["Observability"] + crypto),
    library("Tenancy", ["Postgres", "Query", "Secrets"]),
    library("Jobs", ["Observability", "Postgres", lifecycle, log]),
    library("OAuth", []),
    library("Pages", ["OAuth"] + crypto),
    library("Federation", ["Observability"]),
    library("WeChat", ["Federation", "JSON", "OAuth", "Observability", "Outbound", log] + crypto),
    library(
      "Identity",
      ["EventLoop", "Federation", "JSON", "Jobs", "OAuth", "Observability", "Query", "Secrets", "Tenancy", log] + crypto
    ),
    library(
      "API",
      ["Federation", "Identity", "JSON", "OAuth", "Observability", "Pages", "Secrets", "Tenancy", hummingbird, log]),
    library(
      "Runtime",
      [
        "API", "Identity", "Jobs", "Observability", "Outbound", "Postgres", "Secrets", "Tenancy", "WeChat", hummingbird,
        lifecycle, log, arguments,
      ]),
    library(
      "Simulator", ["EventLoop", "JSON", "Observability", "Outbound", hummingbird, lifecycle, log] + crypto,
      exclude: ["README.md"]),

    program("QiaoServer", ["Runtime", lifecycle, arguments]),
    program(
      "QiaoCLI",
      [
        "EventLoop", "Identity", "JSON", "Observability", "Outbound", "Postgres", "Runtime", "Secrets", "Tenancy",
        arguments, log,
      ] + crypto),
    program("TokenRefresher", ["Identity", "Runtime", arguments], path: "Workers/TokenRefresher"),
    program("ProfileReconciler", ["Identity", "Runtime", arguments], path: "Workers/ProfileReconciler"),
    program("SessionExpirer", ["Identity", "Runtime", arguments], path: "Workers/SessionExpirer"),
    program("WeChatSimulator", ["Observability", "Simulator", log, lifecycle, arguments]),

    .target(
      name: "TestSupport",
      dependencies: ["CLibpq", "Observability", "Outbound", "Postgres", "Runtime", "Simulator"],
      path: "Tests/TestSupport",
      swiftSettings: settings),
    tests("TestSupportTests", ["Postgres", "TestSupport"]),
    tests("EventLoopTests", ["EventLoop"]),
    tests("QueryTests", ["Query"]),
    tests("JSONTests", ["JSON"]),
    tests("ObservabilityTests", ["Observability"]),
    tests("PostgresTests", ["EventLoop", "Postgres", "Query", log]),
    .target(name: "RawServer", dependencies: ["EventLoop"], path: "Tests/RawServer", swiftSettings: settings),
    tests("OutboundTests", ["EventLoop", "Observability", "Outbound", "RawServer"]),
    tests("JobsTests", ["EventLoop", "Jobs", "Observability", "Postgres", "TestSupport", lifecycle, log]),
    tests("SecretsTests", ["Secrets"]),
    tests("PagesTests", ["Pages"] + crypto),
    tests(
      "WeChatTests",
      ["EventLoop", "Federation", "JSON", "Observability", "Outbound", "RawServer", "WeChat"] + crypto),
    tests(
      "SimulatorTests",
      ["EventLoop", "JSON", "Observability", "Outbound", "Simulator", "TestSupport", log] + crypto),
    tests("TenancyTests", ["EventLoop", "Postgres", "Query", "Secrets", "Tenancy", "TestSupport", log]),
    tests(
      "APITests",
      [
        "API", "EventLoop", "Federation", "Identity", "JSON", "Jobs", "Observability", "Outbound", "Query", "Runtime",
        "Secrets", "Simulator", "Tenancy", "TestSupport", "WeChat", "RawServer", lifecycle, log,
      ] + crypto
    ),
  ]
)
