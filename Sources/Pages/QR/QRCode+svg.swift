extension QRCode {
  /// The code as a picture in the page, with the light border of four modules that readers need; always dark on light, because few
  /// of them read it the other way round.
  func svg(label: String) -> HTML {
    let edge = size + 8
    return """
      <svg class="qr" viewBox="0 0 \(edge) \(edge)" role="img" aria-label="\(label)" shape-rendering="crispEdges">\
      <path fill="#fff" d="M0 0h\(edge)v\(edge)H0z"/><path stroke="#000" d="\(path)"/></svg>
      """
  }

  /// A stroke for each run of dark modules; within a row each goes on from the one before.
  private var path: String {
    var path = ""
    for y in 0..<size {
      var end: Int?
      var x = 0
      while x < size {
        let start = x
        while x < size, modules[y * size + x] { x += 1 }
        guard x > start else {
          x += 1
          continue
        }
        path += end.map { "m\(start - $0) 0" } ?? "M\(start + 4) \(y + 4).5"
        path += "h\(x - start)"
        end = x
      }
    }
    return path
  }
}
