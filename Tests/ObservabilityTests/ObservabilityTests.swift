import Foundation
import Observability
import Testing

@Suite struct SecretTests {
  private struct Holder {
    let token = Secret("hunter2-hunter2")
    let list = [Secret("hunter2-hunter2")]
  }

  @Test("a secret is not printed, mirrored, dumped or described, alone or inside of something")
  func invisible() {
    let secret = Secret("hunter2-hunter2")
    var dumped = ""
    dump(Holder(), to: &dumped)
    for text in [
      "\(secret)", String(describing: secret), String(reflecting: secret), "\(Holder())", "\(Optional(secret) as Any)",
      "\([secret])", "\(["a": secret])", String(reflecting: Holder()), dumped,
    ] {
      #expect(!text.contains("hunter2"), "\(text.count)")
    }
    #expect(secret.expose() == "hunter2-hunter2")
  }
}

@Suite struct MetricsTests {
  @Test("the text is Prometheus' form: help, type, escaped labels, cumulative buckets")
  func exposition() {
    let metrics = Metrics()
    metrics.declareCounter("c_total", "Counts.", labels: ["route", "status"])
    metrics.declareHistogram("h_seconds", "Times.", labels: ["route"])
    metrics.declareGauge("g", "Now.")
    metrics.add("c_total", ["/a\"b\\c\n", "200"])
    metrics.add("c_total", ["/a\"b\\c\n", "200"], by: 2)
    metrics.observe("h_seconds", ["/x"], .milliseconds(3))
    metrics.observe("h_seconds", ["/x"], .seconds(30))
    metrics.collect { $0.set("g", to: 7) }
    let lines = metrics.exposition().split(separator: "\n").map(String.init)
    #expect(lines.contains("# TYPE c_total counter") && lines.contains("# HELP c_total Counts."))
    #expect(lines.contains(#"c_total{route="/a\"b\\c\n",status="200"} 3"#))
    #expect(lines.contains("g 7"))
    #expect(lines.contains(#"h_seconds_bucket{route="/x",le="0.0025"} 0"#))
    #expect(lines.contains(#"h_seconds_bucket{route="/x",le="0.005"} 1"#))
    #expect(lines.contains(#"h_seconds_bucket{route="/x",le="+Inf"} 2"#))
    #expect(lines.contains(#"h_seconds_count{route="/x"} 2"#))
  }

  @Test("what was not declared is not counted, and 8 threads lose nothing")
  func concurrent() async {
    let metrics = Metrics()
    metrics.declareCounter("c_total", "Counts.")
    await withTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<1000 {
            metrics.add("c_total")
            metrics.add("unknown_total")
          }
        }
      }
    }
    #expect(metrics.exposition().contains("\nc_total 8000\n"))
    #expect(!metrics.exposition().contains("unknown"))
  }
}
