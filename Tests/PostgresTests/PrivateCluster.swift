import EventLoop
import Foundation
import Glibc

/// A PostgreSQL server of its own in a temporary folder, which a test may kill and start again.
///
/// `initdb` refuses root; as root everything runs as the user `postgres`. The programs are those of `pg_config --bindir`, else of PATH.
struct PrivateCluster: Sendable {
  /// How the server ends (`pg_ctl stop -m`).
  enum StopMode: String {
    /// Connections are closed, everything is written.
    case fast
    /// As a crash: nothing is written, the next start recovers.
    case immediate
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Where it all lies.
  let folder: String
  /// On 127.0.0.1; also the suffix of the Unix socket.
  let port: Int
  private let binaries: String?

  /// Makes and starts one.
  static func start() async throws -> PrivateCluster {
    let cluster = try await PrivateCluster()
    do {
      try await cluster.run(
        "initdb", ["-D", cluster.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"])
      let settings = """
        port = \(cluster.port)
        listen_addresses = '127.0.0.1'
        unix_socket_directories = '\(cluster.folder)'
        max_connections = 200
        shared_buffers = 16MB
        fsync = off
        deadlock_timeout = 100ms
        log_min_messages = fatal
        """
      try await cluster.run(
        "sh", ["-c", "cat >> '\(cluster.data)/postgresql.conf' <<'END'\n\(settings)\nEND"], isOurs: false)
      try await cluster.start()
    } catch {
      try? await cluster.remove()
      throw error
    }
    return cluster
  }

  /// A standby that follows this server.
  func standby() async throws -> PrivateCluster {
    let standby = try await PrivateCluster()
    do {
      try await standby.run(
        "pg_basebackup", ["-d", uri, "-D", standby.data, "-R", "-X", "stream", "-c", "fast", "--no-sync"])
      let settings = "port = \(standby.port)\nunix_socket_directories = '\(standby.folder)'"
      try await standby.run(
        "sh", ["-c", "cat >> '\(standby.data)/postgresql.conf' <<'END'\n\(settings)\nEND"], isOurs: false)
      try await standby.start()
    } catch {
      try? await standby.remove()
      throw error
    }
    return standby
  }

  /// Makes a standby the server that is written to.
  func promote() async throws { try await run("pg_ctl", ["-D", data, "-w", "promote"]) }

  private init() async throws {
    let pattern = FileManager.default.temporaryDirectory.appending(path: "qiao-pg-XXXXXX").path
    var template = Array(pattern.utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary folder") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    port = try Self.freePort()
    binaries = try? await Self.output("pg_config", ["--bindir"])
    if getuid() == 0 {
      guard let user = getpwnam("postgres"), chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
        throw Failure(description: "the folder cannot be given to the user postgres")
      }
    }
  }

  private var data: String { folder + "/data" }

  /// Over TCP.
  var uri: String { uri(host: "127.0.0.1", port: port) }
  /// Over the Unix socket.
  var socketURI: String { "postgresql://postgres@/postgres?host=\(folder)&port=\(port)" }
  /// Over TCP, to another database.
  func uri(database: String) -> String { "postgresql://postgres@127.0.0.1:\(port)/\(database)" }
  /// Over TCP through another name or port.
  func uri(host: String, port: Int) -> String { "postgresql://postgres@\(host):\(port)/postgres" }

  func start() async throws {
    try await run("pg_ctl", ["-D", data, "-l", folder + "/log", "-w", "-t", "60", "start"])
  }

  func stop(_ mode: StopMode) async throws {
    try await run("pg_ctl", ["-D", data, "-m", mode.rawValue, "-w", "stop"])
  }

  func restart(_ mode: StopMode) async throws {
    try await stop(mode)
    try await start()
  }

  /// Stops the server and deletes everything.
  func remove() async throws {
    try? await stop(.immediate)
    try FileManager.default.removeItem(atPath: folder)
  }

  // MARK: Programs

  private func run(_ program: String, _ arguments: [String], isOurs: Bool = true) async throws {
    let path = isOurs ? binaries.map { "\($0)/\(program)" } ?? program : program
    let command = getuid() == 0 ? ["runuser", "-u", "postgres", "--", path] : [path]
    _ = try await Self.output(command[0], command.dropFirst() + arguments)
  }

  /// Runs a program to its end and gives back what it wrote.
  ///
  /// Not with Foundation's `Process`: it waits until every descendant has ended, and the server that `pg_ctl` starts does not.
  private static func output(_ program: String, _ arguments: [String]) async throws -> String {
    try await withCheckedThrowingContinuation { done in
      SystemThread.start(name: "program") {
        done.resume(with: Result { try waitFor(program, arguments) })
      }
    }
  }

  private static func waitFor(_ program: String, _ arguments: [String]) throws -> String {
    // To a file, not to a pipe: the server inherits it and would hold a pipe open.
    let file = FileManager.default.temporaryDirectory.appending(path: "qiao-pg-\(UUID().uuidString)").path
    defer { unlink(file) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    let words = ([program] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    var process = pid_t()
    let code = posix_spawnp(&process, program, &actions, nil, words + [nil], environ)
    guard code == 0 else { throw Failure(description: "\(program) cannot be run: \(String(cString: strerror(code)))") }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    guard status == 0 else { throw Failure(description: "\(program) \(arguments.joined(separator: " ")): \(text)") }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// A port nobody has at the moment.
  static func freePort() throws -> Int {
    let (descriptor, port) = try listener(backlog: 1)
    close(descriptor)
    return port
  }

  /// A socket on 127.0.0.1 that is connected to by the kernel and never answers.
  static func listener(backlog: Int32) throws -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) | listen(descriptor, backlog) | getsockname(descriptor, address, &length)
      }
    }
    guard code == 0 else { throw Failure(description: "no free port") }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
  }
}
