import Foundation

/// A share of 1 as a percentage with one decimal, without its sign: `29.0`.
func percent(_ share: Double) -> String {
    share.isFinite ? String(format: "%.1f", share * 100) : "not a number"
}

/// A mean with its interval, if there is one: `29.0 (26.3–31.9)`.
func percent(_ statistic: Statistic) -> String {
    percent(statistic.mean) + interval(of: statistic)
}

/// The same with the sign: `29.0 % (26.3–31.9)`.
func percentage(_ statistic: Statistic) -> String {
    percent(statistic.mean) + " %" + interval(of: statistic)
}

private func interval(of statistic: Statistic) -> String {
    guard let interval = statistic.interval else { return "" }
    return " (\(percent(interval.lowerBound))–\(percent(interval.upperBound)))"
}

/// A length of time for people: `0.4 s`, `42 s`, `3 min 12 s`, `2 h 5 min`.
func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "an unknown time" }
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    let whole = Int(min(seconds, 1e12).rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
}

/// With a capital letter at its start.
func sentenceCase(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
