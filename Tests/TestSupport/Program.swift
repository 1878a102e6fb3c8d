import Foundation

/// An executable of ours as a process of its own, the way an operator runs it.
public struct Program: @unchecked Sendable {  // Process is only started, signalled and asked, never changed
  /// What a process that has ended left behind.
  public struct Ended: Sendable {
    /// The exit code; for a signal its number with a minus sign.
    public let status: Int32
    /// Standard output.
    public let output: String
    /// Standard error.
    public let errors: String
  }

  private let process: Process
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
    output = stem.appendingPathExtension("out")
    errors = stem.appendingPathExtension("err")
    input = stem.appendingPathExtension("in")
    try Data(text.utf8).write(to: input)
    process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = environment
    for url in [output, errors] { _ = FileManager.default.createFile(atPath: url.path(), contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = try FileHandle(forReadingFrom: input)
    try process.run()
  }

  /// Its process id.
  public var id: Int32 { process.processIdentifier }

  /// Sends a signal.
  public func signal(_ number: Int32) { kill(id, number) }

  /// What it has written to standard error so far.
  public var log: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

  /// Waits for its end and removes its files; kills it after `limit`.
  /// - Throws: `TimedOut`.
  public func ended(limit: Duration = .seconds(15)) async throws -> Ended {
    defer {
      if process.isRunning { kill(id, SIGKILL) }
      for url in [output, errors, input] { try? FileManager.default.removeItem(at: url) }
    }
    return try await eventually("\(process.executableURL?.lastPathComponent ?? "it") to end", limit: limit) {
      guard !process.isRunning else { return nil }
      let status = process.terminationStatus
      return Ended(
        status: process.terminationReason == .exit ? status : -status,
        output: (try? String(contentsOf: output, encoding: .utf8)) ?? "", errors: log)
    }
  }
}
