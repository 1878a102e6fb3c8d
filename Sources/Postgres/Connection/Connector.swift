import CLibpq
import EventLoop
import Glibc
import Query

/// One attempt to open a connection without blocking the loop (libpq chapter 34.1, `PQconnectStartParams`, `PQconnectPoll`).
///
/// Names are looked up on a thread of their own, because libpq would wait for the resolver. libpq does not apply
/// `connect_timeout` to this way of connecting, so the attempt has a timer; where the first of several hosts is silent, the
/// next attempt must begin with another (`rotation`).
final class Connector: @unchecked Sendable {
  // Unchecked: everything belongs to the loop's thread.

  /// How the attempt ended; the reasons hold no password.
  enum Outcome {
    /// Connected; whoever gets the handle owns it.
    case open(OpaquePointer)
    /// Refused.
    case failed(reason: String)
    /// Not answered in time.
    case timedOut(reason: String)
  }

  private let parameters: ConnectionParameters
  private let loop: EventLoop
  private let rotation: Int
  private var handle: OpaquePointer?
  private var descriptor: Int32 = -1
  private var timer: EventLoop.TimerID?
  private var done: ((Outcome) -> Void)?

  /// An attempt; `done` is called once, later, on the loop's thread, unless it is cancelled before.
  init(_ parameters: ConnectionParameters, rotation: Int, loop: EventLoop, done: @escaping (Outcome) -> Void) {
    self.parameters = parameters
    self.rotation = rotation
    self.loop = loop
    self.done = done
  }

  /// Begins.
  func start() {
    timer = loop.schedule(after: parameters.timeout) { [self] in
      finish(.timedOut(reason: "the database did not answer within \(parameters.timeout)"))
    }
    let hosts = parameters.hosts
    guard hosts.contains(where: \.needsLookup) else { return connect(to: hosts) }
    SystemThread.start(name: "resolver") { [self, loop] in
      let resolved = Host.resolved(hosts)
      loop.execute { self.connect(to: resolved) }
    }
  }

  /// Gives up without a call.
  func cancel() {
    done = nil
    finish(.failed(reason: ""))
  }

  private func connect(to hosts: [Host]) {
    guard done != nil else { return }
    guard !hosts.isEmpty else { return finish(.failed(reason: "the name of the database's host has no address")) }
    let list = parameters.list(hosts: ConnectionParameters.rotated(hosts, by: rotation))
    let keywords = list.map { strdup($0.keyword) }
    let values = list.map { strdup($0.value) }
    defer { for text in keywords + values { free(text) } }
    handle = PQconnectStartParams(
      keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 0)
    guard let handle else { return finish(.failed(reason: "libpq is out of memory")) }
    // Notices would go to standard error as plain text, between the lines of the log.
    PQsetNoticeReceiver(handle, { _, _ in }, nil)
    guard PQstatus(handle) != CONNECTION_BAD else { return finish(.failed(reason: Self.reason(handle))) }
    watch(for: .write)
  }

  /// Asks libpq for its socket each time: it may have closed the last one and opened another, even under the same number.
  private func watch(for interest: EventLoop.Interest) {
    let current = PQsocket(handle)
    if descriptor >= 0, descriptor != current { loop.unwatch(descriptor) }
    descriptor = current
    loop.watch(current, for: interest) { [self] _ in poll() }
  }

  private func poll() {
    guard let handle else { return }
    switch PQconnectPoll(handle) {
    case PGRES_POLLING_OK: finish(.open(handle))
    case PGRES_POLLING_READING: watch(for: .read)
    case PGRES_POLLING_WRITING: watch(for: .write)
    default: finish(.failed(reason: Self.reason(handle)))
    }
  }

  private func finish(_ outcome: Outcome) {
    if let timer { loop.cancel(timer) }
    timer = nil
    if descriptor >= 0 { loop.unwatch(descriptor) }
    descriptor = -1
    if case .open = outcome {} else { PQfinish(handle) }
    handle = nil
    let done = done.take()
    done?(outcome)
  }

  private static func reason(_ handle: OpaquePointer) -> String {
    String(cString: PQerrorMessage(handle)).split(whereSeparator: \.isNewline).joined(separator: "; ")
  }
}
