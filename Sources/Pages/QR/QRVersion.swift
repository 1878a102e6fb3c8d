/// A size of QR code with what level M puts into it (ISO/IEC 18004 tables 7 and 9).
struct QRVersion: Sendable {
  /// 1 to 20.
  let number: Int

  /// Up to 666 bytes, which is more than a page could want to show.
  static let all = (1...20).map { QRVersion(number: $0) }

  /// Modules along an edge.
  var size: Int { number * 4 + 17 }
  /// Correction bytes of each block.
  var correctionLength: Int {
    [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26][number - 1]
  }
  /// Blocks that the data is split into.
  var blocks: Int { [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16][number - 1] }
  /// Bytes of data and correction together.
  var capacity: Int {
    var modules = (16 * number + 128) * number + 64
    if number >= 2 {
      let patterns = number / 7 + 2
      modules -= (25 * patterns - 10) * patterns - 55
      if number >= 7 { modules -= 36 }
    }
    return modules / 8
  }
  /// Bytes of data.
  var dataCapacity: Int { capacity - correctionLength * blocks }
  /// Bits of the length of the text.
  var lengthBits: Int { number < 10 ? 8 : 16 }

  /// The centres of the alignment patterns along either edge.
  var alignment: [Int] {
    guard number > 1 else { return [] }
    let count = number / 7 + 2
    let step = (number * 8 + count * 3 + 5) / (count * 4 - 4) * 2
    return [6] + (0..<count - 1).reversed().map { size - 7 - $0 * step }
  }
}
