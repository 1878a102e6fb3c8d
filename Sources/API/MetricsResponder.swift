import HTTPTypes
import Hummingbird
import NIOCore

extension Services {
  /// `/metrics`, `/livez` and `/readyz` for the operator's own network.
  public func metricsResponder() -> some HTTPResponder<BasicRequestContext> {
    let router = Router()
    router.get("metrics") { [metrics] _, _ in
      Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.exposition())))
    }
    router.get("livez") { _, _ in Response.json { $0.member("status", "ok") } }
    router.get("readyz") { [self] _, _ in
      do {
        return try await readiness()
      } catch let problem as Problem {
        return problem.response(requestID: "")
      }
    }
    return router.buildResponder()
  }
}
