import Query
import Testing

struct BinderTests {
  @Test("parameters lie one behind the other, NULL and empty are not the same")
  func ranges() {
    var binder = Binder()
    binder.bind("ab")
    binder.bind(String?.none)
    binder.bind("")
    binder.bind(true)
    binder.bind(Int32?.some(1))
    #expect(binder.bytes == [0x61, 0x62, 1, 0, 0, 0, 1])
    #expect(binder.parameters.map(\.range) == [0..<2, nil, 2..<2, 2..<3, 3..<7])
    #expect(binder.parameters.map(\.type) == [25, 25, 25, 16, 23])
  }

  @Test("statements are the same when their text is")
  func sameText() {
    let one: SQL = "SELECT 1"
    let other: SQL = "SELECT 2"
    #expect(one == "SELECT 1")
    #expect(one != other)
    #expect(one.description == "SELECT 1")
    #expect(Set([one, other, "SELECT 1"]).count == 2)
  }

  @Test("only what may help is called transient")
  func transient() {
    for state in ["40001", "40P01", "53300", "55P03", "57014", "57P01", "25006"] {
      #expect(DatabaseError.server(sqlstate: state, message: "").isTransient)
    }
    for error in [.unavailable(reason: ""), .timeout(sent: true), .unknownOutcome] as [DatabaseError] {
      #expect(error.isTransient)
    }
    for error in [.unique(constraint: "a"), .denied, .decoding(""), .server(sqlstate: "42601", message: "")]
      as [DatabaseError]
    {
      #expect(!error.isTransient)
    }
  }
}
