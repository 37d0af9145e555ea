import Foundation

/// "1 run", "2 runs".
func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

/// "45 s", "3 min 10 s", "2 h 5 min", "3 d 4 h".
func duration(_ seconds: Double) -> String {
    let whole = Int(max(0, min(seconds, 1e9)).rounded())
    return switch whole {
    case ..<60: "\(whole) s"
    case ..<3_600: "\(whole / 60) min \(whole % 60) s"
    case ..<86_400: "\(whole / 3_600) h \(whole % 3_600 / 60) min"
    default: "\(whole / 86_400) d \(whole % 86_400 / 3_600) h"
    }
}
