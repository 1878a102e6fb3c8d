import Testing

@testable import Postgres

/// What the state says, as text that can be compared.
private func text(_ action: PipelineState<String>.Action) -> String {
  switch action {
  case .none: "none"
  case .rows(let batch, let index): "rows \(batch)\(index)"
  case .failed(let batch, let name): "failed \(batch) \(name.text)"
  case .notPrepared(let batch, let name, let isCause): "not prepared \(batch) \(name.text) \(isCause)"
  case .commitFailed(let batch): "commit failed \(batch)"
  case .finished(let batch): "finished \(batch)"
  case .lost: "lost"
  }
}

private func name(_ number: Int) -> StatementName { StatementName(number: number, generation: 0) }

struct PipelineStateTests {
  private typealias State = PipelineState<String>

  private func run(_ state: inout State, _ arrivals: [State.Arrival]) -> [String] {
    arrivals.map { text(state.receive($0)) }.filter { $0 != "none" }
  }

  @Test("results go to the batches in the order they were sent")
  func order() {
    var state = State()
    state.sent("a", preparing: [name(1)], statements: [name(1), name(1)])
    state.sent("b", preparing: [], statements: [name(1)])
    let actions = run(
      &state, [.success, .end, .success, .end, .success, .end, .sync, .success, .end, .sync])
    #expect(actions == ["rows a0", "rows a1", "finished a", "rows b0", "finished b"])
    #expect(!state.isExpecting)
    #expect(state.batches.isEmpty)
  }

  @Test("a failure skips the rest of its batch and nothing of the next")
  func failure() {
    var state = State()
    state.sent("a", preparing: [], statements: [name(1), name(2)])
    state.sent("b", preparing: [], statements: [name(1)])
    let actions = run(&state, [.failure, .end, .aborted, .end, .sync, .success, .end, .sync])
    #expect(actions == ["failed a q1", "finished a", "rows b0", "finished b"])
  }

  @Test("a name whose preparing failed or was skipped is told")
  func preparing() {
    var state = State()
    state.sent("a", preparing: [name(1), name(2)], statements: [name(1), name(2)])
    let actions = run(&state, [.failure, .end, .aborted, .end, .aborted, .end, .aborted, .end, .sync])
    #expect(actions == ["not prepared a q1 true", "not prepared a q2 false", "finished a"])
  }

  @Test("all preparing of a batch comes before its first statement")
  func preparingFirst() {
    var state = State()
    state.sent("a", preparing: [name(1), name(2)], statements: [name(1), name(2)])
    let actions = run(&state, [.success, .end, .success, .end, .failure, .end, .aborted, .end, .sync])
    #expect(actions == ["failed a q1", "finished a"])
  }

  @Test("the commit may fail after all statements succeeded")
  func commit() {
    var state = State()
    state.sent("a", preparing: [], statements: [name(1)])
    #expect(run(&state, [.success, .end, .failure, .end, .sync]) == ["rows a0", "commit failed a", "finished a"])
    state.sent("b", preparing: [], statements: [name(1)])
    #expect(run(&state, [.success, .end, .failure, .sync]) == ["rows b0", "commit failed b", "finished b"])
  }

  @Test("an answer nobody asked for ends the connection, silence without end too")
  func unexpected() {
    var state = State()
    #expect(run(&state, [.end]) == [])
    #expect(run(&state, [.success]) == ["lost"])
    state.sent("a", preparing: [], statements: [name(1)])
    #expect(run(&state, [.sync]) == ["lost"])
    state = State()
    state.sent("a", preparing: [], statements: [])
    #expect(run(&state, [.end, .end]) == ["lost"])
    state = State()
    state.sent("a", preparing: [], statements: [])
    #expect(run(&state, [.success]) == ["lost"])
  }
}

struct PreparedStatementsTests {
  @Test("a statement is prepared once")
  func once() {
    var prepared = PreparedStatements()
    #expect(prepared.use(7) == (StatementName(number: 7, generation: 0), true))
    #expect(prepared.use(7) == (StatementName(number: 7, generation: 0), false))
    #expect(prepared.use(8).mustPrepare)
  }

  @Test("a forgotten name is never used again, and forgetting it late does not forget its successor")
  func forgetting() {
    var prepared = PreparedStatements()
    let first = prepared.use(7).name
    prepared.forget(first)
    let second = prepared.use(7)
    #expect(second == (StatementName(number: 7, generation: 1), true))
    prepared.forget(first)
    #expect(prepared.use(7) == (second.name, false))
    #expect(first.text == "q7")
    #expect(second.name.text == "q7_1")
  }
}
