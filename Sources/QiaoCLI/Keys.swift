import ArgumentParser
import EventLoop
import Foundation
import Identity
import Logging
import Postgres
import Runtime
import Tenancy

/// `qiao keys`: the master keys of the installation.
struct Keys: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Work with the master keys.", subcommands: [Rotate.self])

  /// `qiao keys rotate`
  struct Rotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Seal every stored secret again with the first key of QIAO_MASTER_KEYS.",
      discussion: """
        Four steps; servers keep answering all the while. First append the new key to QIAO_MASTER_KEYS on every server and \
        worker and restart them one by one: now all can read what it seals. Then move it to the front everywhere and restart \
        them again. Then run this once. A day later (answers kept for Idempotency-Key live that long) take the old key away.

        Refresh tokens rotated before that day keep working; a copy of one from before is no longer told from a forgery, so \
        keep the old key at the end of the list for the longest refresh_token_ttl if replays of such must end their family.
        """)

    func run() async throws {
      let settings: Settings
      do {
        settings = try Settings()
      } catch {
        throw fail("\(error)")
      }
      let loop = EventLoop(name: "qiao-keys")
      let pool = PostgresPool(
        PostgresConfiguration(uri: settings.databaseURL.expose(), applicationName: "qiao-keys", connections: 1),
        loop: loop, logger: Logger(label: "qiao-keys") { _ in SwiftLogNoOpLogHandler() })
      let rotation = KeyRotation(database: Database(pool: pool), ring: settings.masterKeys)
      do {
        let report = try await rotation.run { tenants, report in
          guard tenants % 100 == 0 else { return }
          FileHandle.standardError.write(Data("\(tenants) tenants, \(report.resealed) values sealed again\n".utf8))
        }
        print("Sealed \(report.resealed) values again with key '\(settings.masterKeys.currentKeyID)'.")
        guard report.unreadable == 0 else {
          throw fail("\(report.unreadable) values open with none of the keys: add the key they were sealed with")
        }
      } catch let error as ExitCode {
        throw error
      } catch {
        throw fail("the database failed (\(error)); run it again, it goes on where it is needed")
      }
    }
  }
}
