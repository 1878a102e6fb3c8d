import Synchronization

/// Numbers the statement types of the process; a prepared statement is called `q` and the number.
enum StatementNumbers {
  private static let numbers = Mutex<[ObjectIdentifier: Int]>([:])

  /// The number of a type, the same as long as the process lives.
  static func number(of type: Any.Type) -> Int {
    numbers.withLock { numbers in
      if let number = numbers[ObjectIdentifier(type)] { return number }
      let number = numbers.count + 1
      numbers[ObjectIdentifier(type)] = number
      return number
    }
  }
}
