import Testing

/// Gives a suite a server of its own, for as long as its tests run.
struct WithCluster: SuiteTrait, TestScoping {
  @TaskLocal static var cluster: PrivateCluster?

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let cluster = try await PrivateCluster.start()
    do {
      try await Self.$cluster.withValue(cluster, operation: function)
    } catch {
      try await cluster.remove()
      throw error
    }
    try await cluster.remove()
  }
}

extension Trait where Self == WithCluster {
  /// A server of its own.
  static var cluster: WithCluster { WithCluster() }
}
