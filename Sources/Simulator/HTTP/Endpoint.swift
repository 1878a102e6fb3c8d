import Foundation
import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// One call as an endpoint sees it: exact parameter names, everything else is ignored.
struct Call {
  let query: [String: String]
  let body: JSONObject
  let address: String
  var countryCodeIsNumber = false

  /// A query parameter that is there and not empty.
  func parameter(_ name: String) -> String? { query[name].flatMap { $0.isEmpty ? nil : $0 } }
}

/// Runs an endpoint of WeChat's with everything they have in common: the method check, faults, the errcode envelope (HTTP 200
/// for every error), content types and counters.
struct Endpoint: Sendable {
  let path: String
  let method: HTTPRequest.Method
  /// True where a success says `errcode: 0`, which most do not.
  var saysOK = false
  let world: World
  /// Writes the members of the success body.
  let work: @Sendable (inout World.State, Call, inout JSONWriter) throws(WeChatError) -> Void

  func add(to router: Router<SimulatorContext>) {
    router.on(RouterPath(path), method: .get, use: respond)
    router.on(RouterPath(path), method: .post, use: respond)
  }

  @Sendable private func respond(_ request: Request, _ context: SimulatorContext) async throws -> Response {
    let fault = world.state.withLock { $0.nextFault(path) }
    if let fault {
      switch fault.kind {
      case .badGateway:
        return Response(
          status: .badGateway, headers: [.contentType: "text/html"],
          body: ResponseBody(byteBuffer: ByteBuffer(string: "<html><body>502 Bad Gateway</body></html>")))
      case .errcode: return answer(error: WeChatError(fault.errcode), appID: "", fault)
      case .hangBefore: try await Task.sleep(for: .milliseconds(max(fault.delay, 60_000)))
      default: break
      }
    }
    let response: Response
    do throws(WeChatError) {
      let call = try await read(request, context)
      response = perform(call, fault)
    } catch {
      response = answer(error: error, appID: "", fault)
    }
    switch fault?.kind {
    case .delay: try await Task.sleep(for: .milliseconds(fault?.delay ?? 0))
    case .hangAfter: try await Task.sleep(for: .milliseconds(max(fault?.delay ?? 0, 60_000)))
    default: break
    }
    return response
  }

  private func perform(_ call: Call, _ fault: Fault?) -> Response {
    let appID = appID(of: call)
    let result: Result<[UInt8], WeChatError> = world.state.withLock { state in
      var json = JSONWriter(capacity: 300)
      json.beginObject()
      if saysOK || fault?.kind == .oddTypes || state.switches.successErrcode != .absent {
        if state.switches.successErrcode == .string { json.member("errcode", "0") } else { json.member("errcode", 0) }
        json.member("errmsg", "ok")
      }
      var call = call
      call.countryCodeIsNumber = state.switches.countryCodeIsNumber || fault?.kind == .oddTypes
      do throws(WeChatError) {
        try work(&state, call, &json)
      } catch {
        return .failure(error)
      }
      json.endObject()
      state.counters[Counter(endpoint: path, appID: appID, errcode: 0), default: 0] += 1
      return .success(json.bytes)
    }
    switch result {
    case .success(let bytes): return answer(bytes, fault)
    case .failure(let error): return answer(error: error, appID: appID, fault)
    }
  }

  /// Under which app a call is counted: the one it names, or the one whose token it carries.
  private func appID(of call: Call) -> String {
    if let named = call.query["appid"] ?? call.body["appid"]?.string { return named }
    guard let token = call.query["access_token"] else { return "" }
    return world.state.withLock { state in (try? state.app(ofToken: token))?.id ?? "" }
  }

  private func read(_ request: Request, _ context: SimulatorContext) async throws(WeChatError) -> Call {
    guard request.method == method else {
      // A POST to a GET endpoint carries its parameters where nobody looks for them.
      throw method == .get ? WeChatError(41002) : WeChatError(43002)
    }
    var query: [String: String] = [:]
    for (name, value) in request.uri.queryParameters { query[String(name)] = String(value) }
    var body = JSONObject()
    if method == .post {
      guard let bytes = try? await request.body.collect(upTo: 1 << 20), bytes.readableBytes > 0 else {
        throw WeChatError(44002)
      }
      if request.headers[.contentType]?.hasPrefix("application/x-www-form-urlencoded") == true {
        // A form is a body without the fields that were meant.
        body = JSONObject()
      } else if let object = (try? JSONValue(parsing: Array(buffer: bytes)))?.object {
        body = object
      } else {
        throw WeChatError(47001)
      }
    }
    return Call(query: query, body: body, address: context.address)
  }

  private func answer(error: WeChatError, appID: String, _ fault: Fault?) -> Response {
    let (now, isString) = world.state.withLock { state in
      state.counters[Counter(endpoint: path, appID: appID, errcode: error.errcode), default: 0] += 1
      return (state.clock.now, state.switches.errcodeIsString || fault?.kind == .oddTypes)
    }
    let seconds = String(UInt32(clamping: Int(now)), radix: 16)
    let comma = Bool.random() ? "," : ""
    let body = JSONWriter.object { json in
      json.key("errcode")
      if isString { json.string(String(error.errcode)) } else { json.integer(error.errcode) }
      json.member("errmsg", "\(error.errmsg)\(comma) rid: \(seconds)-\(Names.hexadecimal(4))-\(Names.hexadecimal(4))")
    }
    return answer(body, fault)
  }

  private func answer(_ bytes: [UInt8], _ fault: Fault?) -> Response {
    var bytes = bytes
    switch fault?.kind {
    case .wrongJSON: bytes = Array(bytes.dropLast()) + Array(",,".utf8)
    case .dirtyStrings: bytes = Self.dirty(bytes)
    default: break
    }
    var isPlain =
      switch world.state.withLock({ $0.switches.contentType }) {
      case .mixed: path.hasPrefix("sns/")
      case .json: false
      case .text: true
      }
    if fault?.kind == .otherContentType { isPlain.toggle() }
    let type = isPlain ? "text/plain" : "application/json; encoding=utf-8"
    guard fault?.kind == .cut else {
      return Response(
        status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
    let half = ByteBuffer(bytes: bytes.prefix(bytes.count / 2))
    return Response(
      status: .ok, headers: [.contentType: type, .contentLength: String(bytes.count)],
      body: ResponseBody { writer in
        try await writer.write(half)
        throw WeChatError(-1)
      })
  }

  /// Puts 0x08, 0x14 and a stray UTF-8 byte at the beginning of the nickname.
  private static func dirty(_ bytes: [UInt8]) -> [UInt8] {
    var text = bytes
    if let range = String(decoding: bytes, as: UTF8.self).range(of: "\"nickname\":\"") {
      let offset = String(decoding: bytes, as: UTF8.self)[..<range.upperBound].utf8.count
      text.insert(contentsOf: [0x08, 0x14, 0xFF], at: offset)
    }
    return text
  }
}

/// A request's context with the caller's address.
struct SimulatorContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let address: String

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    address = source.channel.remoteAddress?.ipAddress ?? ""
  }
}
