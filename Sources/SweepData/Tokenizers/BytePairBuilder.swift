/// Puts byte-level pieces and merges together, as the files of a model give them.
struct BytePairBuilder {
    /// Of the file that is being read, for errors.
    var path: String
    private(set) var tokens: [ExactText: Int32] = [:]
    private(set) var pieces = BytePairTokenizer.Pieces()
    private var rank: Int32 = 0

    init(path: String) { self.path = path }

    func bad(_ problem: String) -> DataError { .badVocabulary(path: path, problem: problem) }

    /// The characters that stand for the 256 bytes in vocabularies: printable ones for themselves,
    /// the others for U+0100 and up.
    static let characters: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (UInt32(0)..<256).compactMap { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                next += 1
                return Unicode.Scalar(next - 1)
            }
        }
    }()

    /// An object of pieces and their numbers.
    mutating func read(vocabulary: JSON?) throws(DataError) {
        guard let members = vocabulary?.object else { throw bad("it has no vocabulary") }
        tokens.reserveCapacity(members.count)
        for member in members {
            guard let number = member.value.integer, let token = Int32(exactly: number), token >= 0,
                token < .max
            else { throw bad("the piece '\(member.key.prefix(80))' has no number") }
            tokens[ExactText(member.key)] = token
            pieces.largest = max(pieces.largest, token)
        }
        for (byte, character) in Self.characters.enumerated() {
            pieces.bytes[byte] = tokens[ExactText(String(Character(character)))] ?? -1
        }
    }

    /// The next merge: two pieces with a space between.
    mutating func merge(_ text: String) throws(DataError) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw bad("merge \(rank + 1), '\(text.prefix(80))', is not two pieces")
        }
        try merge(String(parts[0]), String(parts[1]))
    }

    /// Later merges are tried after earlier ones.
    mutating func merge(_ left: String, _ right: String) throws(DataError) {
        rank += 1
        guard let first = tokens[ExactText(left)], let second = tokens[ExactText(right)],
            let token = tokens[ExactText(left + right)]
        else {
            throw bad(
                "merge \(rank), '\(left.prefix(80)) \(right.prefix(80))', has a piece that the "
                    + "vocabulary lacks")
        }
        let key = BytePairTokenizer.Pieces.key(first, second)
        pieces.merges[key] = .init(rank: rank, token: token)
    }

    mutating func setUnknown(_ token: String) throws(DataError) {
        guard let number = tokens[ExactText(token)] else {
            throw bad("the token \(token) is missing")
        }
        pieces.unknown = number
    }
}
