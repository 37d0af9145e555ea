/// The known word a person most likely meant by `word`; `nil` if none is close.
///
/// Case, hyphens and underscores are overlooked, so `learningRate` is close to `learning-rate`.
public func nearest(to word: String, among known: [String]) -> String? {
    let written = plain(word)
    let distances = known.map { editDistance(written, plain($0)) }
    guard let least = distances.min(), let index = distances.firstIndex(of: least) else {
        return nil
    }
    return least <= max(1, written.count / 3) ? known[index] : nil
}

/// `a`, `a or b`, `a, b or c`, or with another conjunction.
func alternatives(_ words: [String], _ conjunction: String = "or") -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) " + last
}

private func plain(_ word: String) -> [Character] {
    word.lowercased().filter { $0 != "-" && $0 != "_" }
}

/// Levenshtein's: insertions, deletions and replacements that make `right` of `left`.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in right.indices {
            let replaced = diagonal + (character == right[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[right.count]
}
