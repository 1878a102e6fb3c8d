import EventLoop
import Query

/// One channel that is listened to, on a connection of its own that is opened again after each loss.
///
/// Loop thread only.
final class Listener: @unchecked Sendable {
  // Unchecked: everything belongs to the loop's thread.

  private let channel: String
  private let core: PoolCore
  private let stream: AsyncStream<PostgresNotification>.Continuation
  private var connector: Connector?
  private var session: TextSession?
  private var timer: EventLoop.TimerID?
  private var retelling: EventLoop.TimerID?
  private var hasListened = false
  private var isStopped = false
  private var failures = 0

  init(channel: String, core: PoolCore, stream: AsyncStream<PostgresNotification>.Continuation) {
    self.channel = channel
    self.core = core
    self.stream = stream
  }

  /// Connects and listens.
  func start() {
    guard !isStopped else { return }
    guard let parameters = try? core.parameters() else { return startLater() }
    let connector = Connector(parameters, rotation: core.rotation, loop: core.loop) { [weak self] outcome in
      guard let self else { return }
      self.connector = nil
      switch outcome {
      case .open(let handle): listen(on: TextSession(handle: handle, loop: core.loop))
      case .failed: startLater()
      case .timedOut:
        core.rotation += 1
        startLater()
      }
    }
    self.connector = connector
    connector.start()
  }

  /// Ends the stream and the connection.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    connector?.cancel()
    session?.close()
    for timer in [timer, retelling] { if let timer { core.loop.cancel(timer) } }
    stream.finish()
  }

  private func listen(on session: TextSession) {
    self.session = session
    session.onClose = { [weak self] in
      self?.session = nil
      self?.startLater()
    }
    session.onNotification = { [weak self] payload in self?.tell(.payload(payload)) }
    session.send("LISTEN \"\(channel.replacing("\"", with: "\"\""))\"") { [weak self] result in
      guard let self, !isStopped else { return }
      guard case .success = result else { return session.close() }
      failures = 0
      tell(hasListened ? .reconnected : .listening)
      hasListened = true
    }
  }

  private func startLater() {
    guard !isStopped else { return }
    timer = core.loop.schedule(after: core.pause(failures: failures)) { [weak self] in self?.start() }
    failures += 1
  }

  /// A reader that is too slow loses notifications and is told so as soon as there is room.
  private func tell(_ notification: PostgresNotification) {
    guard retelling == nil, case .dropped = stream.yield(notification) else { return }
    retelling = core.loop.schedule(after: .milliseconds(100)) { [weak self] in
      self?.retelling = nil
      self?.tell(.reconnected)
    }
  }
}
