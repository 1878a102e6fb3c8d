import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// A refusal of the control API, in words.
struct ControlError: Error {
  let status: HTTPResponse.Status
  let message: String
}

/// The control API under `/_sim/`: what a test or a developer does to the world.
struct Control: Sendable {
  let world: World

  func add(to router: Router<SimulatorContext>) {
    let group = router.group("_sim")
    group.get("health") { _, _ in Self.json { $0.member("status", "ok") } }
    group.post("apps", use: createApp)
    group.get("apps", use: listApps)
    group.patch("apps/{id}", use: changeApp)
    group.post("tokens/expire", use: expireTokens)
    addPeople(to: group)
    group.post("codes", use: createCodes)
    group.post("clock", use: moveClock)
    group.get("clock", use: showClock)
    group.get("switches", use: showSwitches)
    group.patch("switches", use: changeSwitches)
    group.post("faults", use: injectFault)
    group.delete("faults", use: clearFaults)
    group.get("counters", use: showCounters)
    group.delete("counters", use: clearCounters)
    group.post("reset", use: reset)
    addPushes(to: group)
  }

  func object(_ request: Request) async throws -> JSONObject {
    guard let bytes = try? await request.body.collect(upTo: 1 << 20) else {
      throw ControlError(status: .contentTooLarge, message: "the body may have at most 1 MiB")
    }
    guard bytes.readableBytes > 0 else { return JSONObject() }
    guard let object = (try? JSONValue(parsing: Array(buffer: bytes)))?.object else {
      throw ControlError(status: .badRequest, message: "the body must be a JSON object")
    }
    return object
  }

  static func json(_ status: HTTPResponse.Status = .ok, _ body: (inout JSONWriter) -> Void) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: JSONWriter.object(body))))
  }
}
