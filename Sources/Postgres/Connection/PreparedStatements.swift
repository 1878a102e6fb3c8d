/// The name of a prepared statement on one connection: the number of the statement's type, and how often it was made anew.
struct StatementName: Hashable, Sendable {
  /// The number of its type, from `StatementNumbers`.
  let number: Int
  /// 0 at first.
  let generation: Int

  /// As the server knows it; at most 15 bytes in practice, which Swift keeps without an allocation.
  var text: String { generation == 0 ? "q\(number)" : "q\(number)_\(generation)" }
}

/// What is prepared on one connection.
///
/// A name that failed is never used again: the next attempt takes a new one. So the answer to an old name, which may arrive after
/// the new one was sent, cannot be mistaken for the new one's, and a name never exists twice.
struct PreparedStatements {
  private var generations: [Int: (generation: Int, isPrepared: Bool)] = [:]

  /// The name to execute a statement under, and whether to prepare it before.
  mutating func use(_ number: Int) -> (name: StatementName, mustPrepare: Bool) {
    let (generation, isPrepared) = generations[number] ?? (0, false)
    if !isPrepared { generations[number] = (generation, true) }
    return (StatementName(number: number, generation: generation), !isPrepared)
  }

  /// Forgets a name that the server does not know, or whose plan is stale.
  mutating func forget(_ name: StatementName) {
    guard generations[name.number]?.generation == name.generation else { return }
    generations[name.number] = (name.generation + 1, false)
  }
}
