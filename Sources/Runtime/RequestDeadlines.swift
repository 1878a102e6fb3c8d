import NIOCore
import NIOHTTPTypes

/// Closes a connection that is slow to say what it wants: nobody may hold one open with a byte now and then.
///
/// ```
///  connected ──► head due ──head──► rest due ──end──► answering ──answered──► head due
///                   └── late: closed   └── late: closed   (as long as it takes)
/// ```
public final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
  /// Each request's head, body and end.
  public typealias InboundIn = HTTPRequestPart
  /// Passed on as they are.
  public typealias InboundOut = HTTPRequestPart
  /// Each answer's head, body and end.
  public typealias OutboundIn = HTTPResponsePart
  /// Passed on as they are.
  public typealias OutboundOut = HTTPResponsePart

  /// How long is waited.
  public struct Patience: Sendable {
    /// For the head of the first request, and of each one after an answer.
    public let head: TimeAmount
    /// From the head to the end of the body, which has 1 MiB at most.
    public let body: TimeAmount

    /// As long as a phone on a bad line needs, unless said otherwise.
    public init(head: TimeAmount = .seconds(75), body: TimeAmount = .seconds(30)) {
      self.head = head
      self.body = body
    }
  }

  private let patience: Patience
  /// When what is due is late; `nil` while nothing is due.
  private var due: NIODeadline?
  /// One a connection, which looks now and then: setting and cancelling one a request would cost each request a search through
  /// those of all connections.
  private var look: Scheduled<Void>?
  /// Requests of which there is a head but no whole answer: clients may send the next one early.
  private var open = 0
  private var isReading = false

  init(_ patience: Patience) { self.patience = patience }

  /// A connection begins with a head.
  public func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { begin(context) }
  }

  /// A connection begins with a head.
  public func channelActive(context: ChannelHandlerContext) {
    begin(context)
    context.fireChannelActive()
  }

  /// Nothing is due any more.
  public func channelInactive(context: ChannelHandlerContext) {
    look?.cancel()
    context.fireChannelInactive()
  }

  /// Nothing is due any more.
  public func handlerRemoved(context: ChannelHandlerContext) { look?.cancel() }

  /// After a head the rest is due, and after that nothing but the answer.
  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      open += 1
      isReading = true
      due = .now() + patience.body
    case .body: break
    case .end:
      isReading = false
      due = nil
    }
    context.fireChannelRead(data)
  }

  /// After an answer the next head is due.
  public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) {
      open -= 1
      if open == 0, !isReading { due = .now() + patience.head }
    }
    context.write(data, promise: promise)
  }

  private func begin(_ context: ChannelHandlerContext) {
    due = .now() + patience.head
    look?.cancel()
    lookLater(context)
  }

  /// What is late is noticed at once or within the shorter patience.
  private func lookLater(_ context: ChannelHandlerContext) {
    let longest = NIODeadline.now() + min(patience.head, patience.body)
    let next = due.map { min($0, longest) } ?? longest
    look = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) {
      guard let due = self.due, due <= .now() else { return self.lookLater(context) }
      context.close(promise: nil)
    }
  }
}
