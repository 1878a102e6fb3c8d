import ArgumentParser
import Foundation
import Runtime

/// `qiao`: the command line for operators and tenant administrators.
@main
struct Qiao: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "qiao", abstract: "The command line of Qiao.", version: Version.current,
    subcommands: [Migrate.self, Keys.self, Verify.self])
}

/// Ends a command with one line on standard error.
func fail(_ message: String) -> ExitCode {
  FileHandle.standardError.write(Data("qiao: \(message)\n".utf8))
  return ExitCode(1)
}
