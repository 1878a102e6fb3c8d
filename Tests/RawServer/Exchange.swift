/// One request that arrived, and the way to answer it: at once, later, or never.
public struct Exchange: Sendable {
  /// The connection it came on, counted from 1.
  public let connection: Int
  /// The request line and the header, with line ends.
  public let head: String
  /// The body.
  public let body: [UInt8]

  let raw: RawConnection

  /// The request line.
  public var requestLine: String { String(head.prefix { !$0.isNewline }) }

  /// Writes bytes as they are; the connection stays open.
  public func send(_ bytes: [UInt8]) { raw.send(bytes) }

  /// Closes the connection after what was written.
  public func close() { raw.close(reset: false) }

  /// Breaks the connection with a reset.
  public func reset() { raw.close(reset: true) }
}

/// The bytes of an answer.
/// - Parameter length: the Content-Length to claim; by default the true one.
public func answer(
  _ body: some Collection<UInt8>, status: String = "200 OK", type: String = "application/json", extra: [String] = [],
  length: Int? = nil
) -> [UInt8] {
  let lines = ["HTTP/1.1 \(status)", "Content-Type: \(type)", "Content-Length: \(length ?? body.count)"] + extra
  return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
}
