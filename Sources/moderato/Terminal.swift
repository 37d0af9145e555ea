import Foundation
import SweepCore

/// What the terminal at standard output can do; without one, output is for files and programs.
enum Terminal {
    static let isThere = isatty(1) == 1

    private static let isDumb = ["", "dumb"].contains(environment("TERM"))

    /// https://no-color.org: set and not empty, whatever its value.
    static let hasColours = isThere && !isDumb && environment("NO_COLOR").isEmpty

    /// Whether lines can be written over.
    static let canRedraw = isThere && !isDumb

    /// In columns, as it is now; `nil` without a terminal.
    static var width: Int? {
        guard isThere else { return nil }
        if let width = Int(environment("COLUMNS")), width > 0 { return width }
        var size = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return isKnown ? Int(size.ws_col) : 80
    }

    /// In lines; `nil` without a terminal.
    static var height: Int? {
        guard isThere else { return nil }
        var size = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0
        return isKnown ? Int(size.ws_row) : 24
    }

    private static func environment(_ name: String) -> String {
        ProcessInfo.processInfo.environment[name] ?? ""
    }
}

/// One line that is written over on a terminal; elsewhere a line every ten seconds and at the end.
final class ProgressLine {
    private var lastShown = Date.distantPast
    private var lastLine = ""

    func show(_ line: String) {
        lastLine = line
        if Terminal.canRedraw {
            // One that wraps can't be written over; a line of full width wraps on some terminals.
            let cut = line.cut(toColumns: max(1, (Terminal.width ?? 80) - 1))
            say("\r\u{1B}[2K\(cut)", terminator: "")
        } else if Date().timeIntervalSince(lastShown) >= 10 {
            lastShown = Date()
            say(line)
        }
    }

    func finish() { say(Terminal.canRedraw ? "" : lastLine) }
}
