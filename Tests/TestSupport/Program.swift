import Foundation
import Synchronization

/// An executable of ours as a process of its own, the way an operator runs it.
///
/// Not with Foundation's `Process`: it lists the open files into a buffer for 1365 of them, and writes past its end in a process that
/// has more, as one with all our tests' servers does.
public struct Program: Sendable {
  /// What a process that has ended left behind.
  public struct Ended: Sendable {
    /// The exit code; for a signal its number with a minus sign.
    public let status: Int32
    /// Standard output.
    public let output: String
    /// Standard error.
    public let errors: String
  }

  /// How it ended, once somebody asked; the system tells it once.
  private final class Exit: Sendable {
    let status = Mutex<Int32?>(nil)
  }

  /// Its process id.
  public let id: Int32
  private let name: String
  private let exit = Exit()
  private let output: URL
  private let errors: URL
  private let input: URL

  /// Starts `name` with nothing in its environment but what is given, and `text` on its standard input; it was built beside the
  /// tests.
  public init(
    _ name: String, _ arguments: [String] = [], environment: [String: String] = [:], input text: String = ""
  ) throws {
    let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let executable = [folder, folder.deletingLastPathComponent()].map { $0.appending(path: name) }
      .first { FileManager.default.isExecutableFile(atPath: $0.path()) }
    guard let executable else { throw TestDatabase.Failure(description: "\(name) is not built") }
    let stem = FileManager.default.temporaryDirectory.appending(path: "qiao-\(name)-\(UUID().uuidString)")
    self.name = name
    output = stem.appendingPathExtension("out")
    errors = stem.appendingPathExtension("err")
    input = stem.appendingPathExtension("in")
    try Data(text.utf8).write(to: input)

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input.path(), O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output.path(), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors.path(), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    // What else is open here is not its business; glibc passes over what is not open.
    for descriptor in 3..<min(Int32(sysconf(Int32(_SC_OPEN_MAX))), 8192) {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    let words = ([executable.path()] + arguments).map { strdup($0) }
    let settings = environment.map { strdup("\($0.key)=\($0.value)") }
    defer { for text in words + settings { free(text) } }
    var process = pid_t()
    let code = posix_spawn(&process, executable.path(), &actions, nil, words + [nil], settings + [nil])
    guard code == 0 else {
      throw TestDatabase.Failure(description: "\(name) cannot be run: \(String(cString: strerror(code)))")
    }
    id = process
  }

  /// Sends a signal.
  public func signal(_ number: Int32) {
    // Not after its end: the number may be somebody else's by then.
    if status == nil { kill(id, number) }
  }

  /// What it has written to standard error so far.
  public var log: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

  /// The exit code, for a signal its number with a minus sign; `nil` while it runs.
  private var status: Int32? {
    exit.status.withLock { known in
      if let known { return known }
      var raw: Int32 = 0
      guard waitpid(id, &raw, WNOHANG) == id else { return nil }
      // `wait(2)`: the signal in the low seven bits, else the exit code above them.
      known = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : -(raw & 0x7F)
      return known
    }
  }

  /// Waits for its end and removes its files; kills it after `limit`.
  /// - Throws: `TimedOut`.
  public func ended(limit: Duration = .seconds(15)) async throws -> Ended {
    defer {
      signal(SIGKILL)
      for url in [output, errors, input] { try? FileManager.default.removeItem(at: url) }
    }
    return try await eventually("\(name) to end", limit: limit) {
      guard let status else { return nil }
      return Ended(
        status: status, output: (try? String(contentsOf: output, encoding: .utf8)) ?? "", errors: log)
    }
  }
}
