import CEpoll
import Glibc

/// A thread of the system, for what must not happen on Swift's pool threads: loops, and calls that block.
package enum SystemThread {
  private final class Start {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Runs `body` on a new thread that nobody joins.
  /// - Parameter name: shown by the system's tools, at most 15 bytes.
  package static func start(name: String, _ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let start = Start {
      qiao_name_thread(String(name.prefix(15)))
      body()
    }
    let context = Unmanaged.passRetained(start).toOpaque()
    var thread = pthread_t()
    let code = pthread_create(
      &thread, &attributes,
      { context in
        if let context { Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body() }
        return nil
      }, context)
    precondition(code == 0, "the system gave no thread")
  }
}
