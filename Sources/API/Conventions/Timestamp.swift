import FoundationEssentials
import JSON

/// RFC 3339 times in UTC, the only spelling of the APIs: `2026-03-01T09:30:00.125Z`.
public enum Timestamp {
  /// The text of `moment` with milliseconds, rounded down.
  public static func text(_ moment: Date) -> String {
    let milliseconds = Int((moment.timeIntervalSince1970 * 1000 + 0.000_5).rounded(.down))
    let (days, inDay) = milliseconds.quotientAndFloorRemainder(86_400_000)
    let (year, month, day) = civil(days)
    var text: [UInt8] = []
    text.reserveCapacity(24)
    append(year, 4, 0x2D, to: &text)
    append(month, 2, 0x2D, to: &text)
    append(day, 2, 0x54, to: &text)
    append(inDay / 3_600_000, 2, 0x3A, to: &text)
    append(inDay / 60_000 % 60, 2, 0x3A, to: &text)
    append(inDay / 1000 % 60, 2, 0x2E, to: &text)
    append(inDay % 1000, 3, 0x5A, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads a date-time with any offset (RFC 3339 section 5.6); `nil` for anything else and for years beyond 1970 to 9999.
  public static func parse(_ text: String) -> Date? {
    var reader = Reader(bytes: Array(text.utf8))
    guard let year = reader.number(4), reader.skip(0x2D), let month = reader.number(2), reader.skip(0x2D),
      let day = reader.number(2), reader.skip(0x54) || reader.skip(0x74), let hour = reader.number(2),
      reader.skip(0x3A), let minute = reader.number(2), reader.skip(0x3A), let second = reader.number(2),
      let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
    else { return nil }
    guard (1970...9999).contains(year), (1...12).contains(month), hour < 24, minute < 60, second < 60 else {
      return nil
    }
    let day0 = days(year, month, day)
    guard day > 0, civil(day0) == (year, month, day) else { return nil }
    let seconds = day0 * 86_400 + hour * 3600 + minute * 60 + second - offset * 60
    return Date(timeIntervalSince1970: Double(seconds) + fraction)
  }

  private static func append(_ value: Int, _ width: Int, _ end: UInt8, to text: inout [UInt8]) {
    let digits = String(value).utf8
    for _ in digits.count..<max(width, digits.count) { text.append(0x30) }
    text.append(contentsOf: digits)
    text.append(end)
  }

  /// Days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years from 0000-03-01.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let (era, inEra) = shifted.quotientAndFloorRemainder(400)
    let inYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + inEra * 365 + inEra / 4 - inEra / 100 + inYear - 719_468
  }

  private static func civil(_ days: Int) -> (Int, Int, Int) {
    let (era, inEra) = (days + 719_468).quotientAndFloorRemainder(146_097)
    let year = (inEra - inEra / 1460 + inEra / 36_524 - inEra / 146_096) / 365
    let inYear = inEra - (365 * year + year / 4 - year / 100)
    let shifted = (5 * inYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (era * 400 + year + (month <= 2 ? 1 : 0), month, inYear - (153 * shifted + 2) / 5 + 1)
  }

  private struct Reader {
    let bytes: [UInt8]
    var at = 0

    var isAtEnd: Bool { at == bytes.count }

    mutating func skip(_ byte: UInt8) -> Bool {
      guard at < bytes.count, bytes[at] == byte else { return false }
      at += 1
      return true
    }

    mutating func number(_ width: Int) -> Int? {
      guard at + width <= bytes.count else { return nil }
      var value = 0
      for byte in bytes[at..<at + width] {
        guard (0x30...0x39).contains(byte) else { return nil }
        value = value * 10 + Int(byte) - 0x30
      }
      at += width
      return value
    }

    mutating func fraction() -> Double? {
      guard skip(0x2E) else { return 0 }
      var (value, weight, count) = (0.0, 0.1, 0)
      while let digit = number(1) {
        value += Double(digit) * weight
        weight /= 10
        count += 1
      }
      return (1...9).contains(count) ? value : nil
    }

    mutating func offset() -> Int? {
      if skip(0x5A) || skip(0x7A) { return 0 }
      let sign = skip(0x2B) ? 1 : skip(0x2D) ? -1 : 0
      guard sign != 0, let hours = number(2), skip(0x3A), let minutes = number(2), hours < 24, minutes < 60 else {
        return nil
      }
      return sign * (hours * 60 + minutes)
    }
  }
}

extension Int {
  fileprivate func quotientAndFloorRemainder(_ divisor: Int) -> (Int, Int) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

extension JSONWriter {
  /// A member with a time.
  public mutating func member(_ name: String, _ moment: Date) { member(name, Timestamp.text(moment)) }

  /// A member with a time or `null`.
  public mutating func member(_ name: String, _ moment: Date?) { member(name, moment.map(Timestamp.text)) }
}
