/// A QR code of level M in byte mode (ISO/IEC 18004): what a page shows for a phone to read.
public struct QRCode: Sendable {
  /// Modules along an edge.
  public let size: Int
  /// Row by row, true for dark.
  let modules: [Bool]

  /// The smallest code of `text` as UTF-8; `nil` when it has more than 666 bytes.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard
      let version = QRVersion.all.first(where: { bytes.count * 8 + 4 + $0.lengthBits <= $0.dataCapacity * 8 })
    else { return nil }
    let codewords = Self.interleaved(Self.data(bytes, version), version)
    let drawings = (0..<8).map { QRDrawing(version, codewords, mask: $0) }
    // The standard has every mask tried; there are eight, so the minimum exists.
    guard let best = drawings.min(by: { $0.penalty < $1.penalty }) else { return nil }
    size = version.size
    modules = best.modules
  }

  /// Mode, length, text, and the filling the standard names (section 7.4.10).
  private static func data(_ bytes: [UInt8], _ version: QRVersion) -> [UInt8] {
    var bits: [Bool] = []
    func append(_ value: Int, _ count: Int) {
      for bit in (0..<count).reversed() { bits.append(value >> bit & 1 == 1) }
    }
    append(0b0100, 4)
    append(bytes.count, version.lengthBits)
    for byte in bytes { append(Int(byte), 8) }
    let room = version.dataCapacity * 8
    append(0, min(4, room - bits.count))
    append(0, (8 - bits.count % 8) % 8)
    var data = stride(from: 0, to: bits.count, by: 8).map { start in
      bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
    }
    while data.count < version.dataCapacity { data.append(data.count % 2 == bits.count / 8 % 2 ? 0xEC : 0x11) }
    return data
  }

  /// The blocks of data and their correction, byte by byte in turn (section 7.6).
  private static func interleaved(_ data: [UInt8], _ version: QRVersion) -> [UInt8] {
    let shorter = data.count / version.blocks
    let longer = data.count % version.blocks
    var blocks: [ArraySlice<UInt8>] = []
    var start = 0
    for index in 0..<version.blocks {
      let length = shorter + (index >= version.blocks - longer ? 1 : 0)
      blocks.append(data[start..<start + length])
      start += length
    }
    var result: [UInt8] = []
    for index in 0...shorter {
      for block in blocks where index < block.count { result.append(block[block.startIndex + index]) }
    }
    let corrections = blocks.map { ReedSolomon.correction($0, count: version.correctionLength) }
    for index in 0..<version.correctionLength {
      for correction in corrections { result.append(correction[index]) }
    }
    return result
  }
}
