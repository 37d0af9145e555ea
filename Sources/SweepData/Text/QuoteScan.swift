/// Finds out whether a TSV file is written with quotes, as RFC 4180 has them, from all of it.
///
/// It is, if every field that begins with a quote also ends with one and doubles those within, if
/// no other field has a quote, and if one field shows that it is meant so: it doubles a quote, or
/// it names a column. A plain sentence in quotes shows nothing.
struct QuoteScan {
    private enum Place { case fieldStart, plain, quoted, afterQuote }

    private var place = Place.fieldStart
    private var isHeader = true
    private var isHeaderQuoted = false
    private var isBroken = false
    private var doubled = false

    var isQuoted: Bool { !isBroken && place != .quoted && (doubled || isHeaderQuoted) }
    /// The header stands in quotes, but the rest is not as it would have to be.
    var isMixed: Bool { isHeaderQuoted && (isBroken || place == .quoted) }

    mutating func take(_ piece: [UInt8]) {
        if isBroken { return }
        for byte in piece {
            switch (place, byte) {
            case (.fieldStart, Byte.quote):
                place = .quoted
                if isHeader { isHeaderQuoted = true }
            case (.quoted, Byte.quote): place = .afterQuote
            case (.quoted, _): break
            case (.afterQuote, Byte.quote):
                place = .quoted
                doubled = true
            case (_, Byte.tab): place = .fieldStart
            case (_, Byte.lineFeed):
                place = .fieldStart
                isHeader = false
            case (.afterQuote, Byte.carriageReturn): break
            case (.plain, Byte.quote), (.afterQuote, _):
                isBroken = true
                return
            case (.fieldStart, _): place = .plain
            case (.plain, _): break
            }
        }
    }
}
