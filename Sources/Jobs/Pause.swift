/// How long to wait before the next attempt.
public enum Pause {
  /// Seconds after the `attempts`th failure in a row: 1, 2, 4 … up to `most`, half of it by chance, so that those who failed
  /// together do not come back together.
  public static func backOff(attempts: Int, most: Double = 300) -> Double {
    let full = min(most, Double(1 << min(max(attempts - 1, 0), 20)))
    return full * Double.random(in: 0.5...1)
  }
}
