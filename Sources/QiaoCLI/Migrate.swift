import ArgumentParser
import Foundation
import Postgres

/// `qiao migrate`: makes the roles and brings the schema to the newest migration.
struct Migrate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Create the roles and apply the new migrations.",
    discussion: """
      Reads sql/roles.sql and sql/migrations and connects as the administrator named by QIAO_ADMIN_DATABASE_URL. Safe to run \
      any number of times, also by several at once; refuses a landed file that was edited.
      """)

  @Option(help: "The folder with roles.sql and migrations.")
  var sql = "sql"

  @Flag(name: .long, help: "List what is applied, one name a line.")
  var verbose = false

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    var uri = environment["QIAO_ADMIN_DATABASE_URL"] ?? ""
    if uri.isEmpty, let file = environment["QIAO_ADMIN_DATABASE_URL_FILE"] {
      uri = (try? String(contentsOfFile: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    }
    guard !uri.isEmpty else {
      throw fail("QIAO_ADMIN_DATABASE_URL is not set: it names the database as its administrator")
    }
    do {
      guard let roles = try? String(contentsOfFile: "\(sql)/roles.sql", encoding: .utf8) else {
        throw fail("'\(sql)/roles.sql' cannot be read: name the folder with --sql")
      }
      let files = try Migrator.files(in: "\(sql)/migrations")
      let applied = try await Migrator(uri: uri).migrate(roles: roles, files: files)
      if verbose { for name in applied { print(name) } }
      print(applied.isEmpty ? "The database is up to date." : "Applied \(applied.count) of \(files.count) migrations.")
    } catch let failure as Migrator.Failure {
      throw fail(failure.description)
    }
  }
}
