import Hummingbird

extension ResponseBody {
  /// All bytes of a body that is not a stream from elsewhere.
  /// - Throws: what the body throws while it is written.
  func collected() async throws -> [UInt8] {
    let collector = Collector()
    try await write(collector)
    return collector.bytes
  }

  /// Collects what is written; used by the one task that writes.
  private final class Collector: ResponseBodyWriter {
    var bytes: [UInt8] = []

    func write(_ buffer: ByteBuffer) async throws { bytes += Array(buffer: buffer) }
    func finish(_ trailingHeaders: HTTPFields?) async throws {}
  }
}
