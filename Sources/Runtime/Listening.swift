import Foundation
import NIOCore
import ServiceLifecycle

/// A server that names its setting when nothing can listen where that says.
struct Listening: Service {
  let server: any Service
  /// Such as `QIAO_LISTEN`.
  let setting: String

  func run() async throws {
    do {
      try await server.run()
    } catch let error as IOError {
      throw Settings.Fault(
        setting, "names an address that cannot be listened on: \(String(cString: strerror(error.errnoCode)))")
    } catch is SocketAddressError.UnknownHost {
      throw Settings.Fault(setting, "names a host that cannot be resolved")
    } catch is SocketAddressError {
      throw Settings.Fault(setting, "names a host that cannot be resolved")
    }
  }
}
