/// An actor can live on the loop: `nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }`.
///
/// Such an actor must be done before `shutdown`: its jobs would not run any more.
extension EventLoop: SerialExecutor {
  /// Takes a job of an actor.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    execute { [self] in job.runSynchronously(on: asUnownedSerialExecutor()) }
  }

  /// The loop as an actor's executor; the actor has to keep the loop alive.
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }

  /// Stops the process when called on another thread, for `assumeIsolated`.
  public func checkIsolated() {
    precondition(isCurrent, "not on the event loop's thread")
  }
}
