import Foundation
import SweepCore
import Testing

/// The tables of fields in proto/README.md, from those that the programs use.
@Suite("The tables of fields in the documents")
struct TableDocumentTests {
    private static let marks = ("<!-- tables -->\n", "<!-- end of tables -->")

    @Test("are those of the programs; `make documents` writes them")
    func same() throws {
        let file = DocumentTests.root.appendingPathComponent("proto/README.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let begin = try #require(text.range(of: Self.marks.0)).upperBound
        let end = try #require(text.range(of: Self.marks.1)).lowerBound
        guard ProcessInfo.processInfo.environment["MODERATO_WRITE"] == nil else {
            let new = text[..<begin] + Self.tables + text[end...]
            return try String(new).write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(text[begin..<end] == Self.tables, "run: make documents")
    }

    private static var tables: String {
        [
            table("Settings (`TrainingSettings`)", TrainingSettings.fields, TrainingSettings()),
            kinds("Optimizers", OptimizerSettings.self), kinds("Schedules", Schedule.self),
            kinds("PETs", PET.self),
            table(
                "Bottleneck, with the PETs that it can generate", Bottleneck.fields, Bottleneck()),
            kinds("Attacks", Attack.self),
            table("Figures of an epoch (`EpochMetrics`)", EpochMetrics.fields, nil),
        ].joined(separator: "\n")
    }

    private static func table<Root>(_ title: String, _ fields: [Field<Root>], _ usual: Root?)
        -> String
    {
        "**\(title)**\n\n| field | | allowed |\(usual == nil ? "" : " default |")\n"
            + "|---|---|---|\(usual == nil ? "" : "---|")\n"
            + fields.map { row(nil, $0, usual: usual, hasDefault: usual != nil) }.joined()
    }

    private static func kinds<Whole: CaseTable>(_ title: String, _ type: Whole.Type) -> String {
        "**\(title)**\n\n| kind | field | | allowed | default |\n|---|---|---|---|---|\n"
            + Whole.cases.map { kind in
                "| `\(kind.name.snake)` | | \(kind.title) | | |\n"
                    + kind.fields.map { field in
                        let isRequired = kind.required.contains(field.name)
                        return row(
                            "", field, usual: isRequired ? nil : kind.usual, hasDefault: true)
                    }.joined()
            }.joined()
    }

    private static func row<Root>(
        _ first: String?, _ field: Field<Root>, usual: Root?, hasDefault: Bool
    ) -> String {
        let value = usual.flatMap(field.get).map { "`\(field.kind.shown($0))`" } ?? ""
        let cells =
            (first.map { [$0] } ?? []) + [
                "`\(field.snakeName)`", field.title,
                field.kind.words + (field.isOptional ? ", or absent" : ""),
            ] + (hasDefault ? [value] : [])
        return "| \(cells.joined(separator: " | ")) |\n".replacing("|  |", with: "| |")
    }
}
