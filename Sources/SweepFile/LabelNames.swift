import SweepCore
import SweepData

/// How the labels of a task are written, as far as it is known.
struct LabelNames {
    /// Classes of the task; `nil`: nobody said.
    var count: Int?
    /// In the order of the labels: from the sweep file, or as the training file has them.
    var names: [String] = []
    /// Those of the model's `label2id`.
    var ofModel: [String] = []
    /// Whether the training set has been read: other files follow it.
    var isSettled = false

    /// More than these are another column, unless a person lists them.
    private static let mostFound = 200

    /// A text that stands where labels do, and the line where it comes first.
    typealias Found = (text: String, line: Int)

    struct Problem: Error {
        let problem: LabelledTextError.Problem
        let line: Int
    }

    /// How a file with these labels is read.
    ///
    /// - Returns: The names in the order of the labels; empty: they are numbers.
    mutating func reading(_ found: [Found]) throws(Problem) -> [String] {
        let numbers = found.map { Self.number($0.text) }
        if !names.isEmpty {
            guard let other = found.first(where: { !names.contains($0.text) }) else { return names }
            if numbers.contains(nil) {
                throw Problem(
                    problem: .wrongName(text: String(other.text.prefix(40)), names: names),
                    line: other.line)
            }
        }
        if names.isEmpty, !isSettled, numbers.allSatisfy({ $0 == nil }) {
            let names = try names(in: found)
            if count == nil || count == names.count {
                self.names = names
                count = names.count
                return names
            }
        }
        let classes = count ?? 2
        for (text, number) in zip(found, numbers) where number.map({ $0 >= classes }) ?? true {
            let shown = String(text.text.prefix(40))
            throw Problem(problem: .wrongLabel(text: shown, labels: classes), line: text.line)
        }
        return []
    }

    /// Names in the order of the model's `label2id`, where that has them all, or else sorted.
    private func names(in found: [Found]) throws(Problem) -> [String] {
        let lower = found.map { $0.text.lowercased() }
        let model = ofModel.map { $0.lowercased() }
        if !model.isEmpty, Set(lower).isSubset(of: model), Set(lower).count == lower.count {
            return zip(ofModel, model).map { name, lower in
                found.first { $0.text.lowercased() == lower }?.text ?? name
            }
        }
        guard (2...Self.mostFound).contains(found.count) else {
            let first = found.first?.text ?? ""
            throw Problem(
                problem: found.count < 2
                    ? .wrongName(text: String(first.prefix(40)), names: ["two labels or more"])
                    : .tooManyLabels(found.count), line: found.first?.line ?? 1)
        }
        let texts = found.map(\.text)
        let values = texts.compactMap(Double.init)
        if values.count == texts.count {
            return zip(texts, values).sorted { $0.1 < $1.1 }.map(\.0)
        }
        return texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Of decimal digits alone.
    private static func number(_ text: String) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}
