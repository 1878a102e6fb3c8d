/// What a limit counts: the calls of one app, at `sns/jscode2session` of one person in one app.
struct MeterKey: Hashable {
  let endpoint: String
  let appID: String
  var person = ""
}

/// The calls of the current minute and day.
struct Meter {
  var minute = 0
  var inMinute = 0
  var day = 0
  var inDay = 0
}

extension World.State {
  /// Counts a call that has passed all other checks.
  mutating func meter(_ endpoint: String, _ app: App, person: String = "") throws(WeChatError) {
    let perMinute = endpoint == "sns/jscode2session" ? app.loginsPerMinute : app.callsPerMinute[endpoint]
    let perDay = app.callsPerDay[endpoint]
    guard perMinute != nil || perDay != nil else { return }
    let key = MeterKey(endpoint: endpoint, appID: app.id, person: person)
    var meter = meters[key] ?? Meter()
    let (minute, day) = (Int(clock.now / 60), Int(clock.now / 86_400))
    if meter.minute != minute { (meter.minute, meter.inMinute) = (minute, 0) }
    if meter.day != day { (meter.day, meter.inDay) = (day, 0) }
    if let perDay, meter.inDay >= perDay { throw WeChatError(45009) }
    if let perMinute, meter.inMinute >= perMinute { throw WeChatError(45011) }
    meter.inMinute += 1
    meter.inDay += 1
    meters[key] = meter
  }
}
