import Foundation
import Testing

@Suite("Projection of hidden states")
struct ProjectTests {
    /// A file of hidden states: two groups of rows, far apart.
    private static func file(rows: Int, epoch: String = "2", poison: Float = 0) -> Data {
        let count = rows * 4
        let header =
            #"{"__metadata__":{"run":"12","epoch":"\#(epoch)","target":"1","labels":"2"},"#
            + #""hidden":{"dtype":"F32","shape":[\#(rows),4],"data_offsets":[0,\#(4 * count)]},"#
            + #""kind":{"dtype":"I64","shape":[\#(rows)],"#
            + #""data_offsets":[\#(4 * count),\#(4 * count + 8 * rows)]},"#
            + #""label":{"dtype":"I64","shape":[\#(rows)],"#
            + #""data_offsets":[\#(4 * count + 8 * rows),\#(4 * count + 16 * rows)]}}"#
        var data = Data()
        func append(_ value: UInt64, bytes: Int) {
            for byte in 0..<bytes { data.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        append(UInt64(header.utf8.count), bytes: 8)
        data.append(Data(header.utf8))
        for row in 0..<rows {
            for column in 0..<4 {
                let value = Float(row * row % 7 + column) + (row % 2 == 0 ? 50 : 0) + poison
                append(UInt64(value.bitPattern), bytes: 4)
            }
        }
        for _ in 0..<2 { for row in 0..<rows { append(UInt64(row % 2), bytes: 8) } }
        return data
    }

    @Test("writes coordinates and charts, and the same ones again")
    func writes() throws {
        let stage = try Stage()
        try Self.file(rows: 24).write(to: URL(fileURLWithPath: stage.path("states.safetensors")))
        var tables: [String] = []
        for folder in ["one", "two"] {
            let out = stage.path(folder)
            let result = try stage.run([
                "project", stage.path("states.safetensors"), "--out", out, "--iterations", "50",
            ])
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("24 rows × 4, epoch 2"))
            #expect(result.output.contains("(30 is too many for 24 rows)"))
            for name in ["states-pca", "states-tsne"] {
                let table = try String(contentsOfFile: "\(out)/\(name).csv", encoding: .utf8)
                #expect(table.split(separator: "\r\n").count == 25)
                tables.append(table)
                let chart = try String(contentsOfFile: "\(out)/\(name).svg", encoding: .utf8)
                #expect(chart.contains("Run 12, epoch 2"))
            }
        }
        #expect(tables.prefix(2) == tables.suffix(2))
    }

    @Test("says what is wrong with a file, and writes nothing")
    func refused() throws {
        let stage = try Stage()
        let cases: [(Data, String)] = [
            (Data("nonsense".utf8), "these are no hidden states"),
            (Self.file(rows: 8, epoch: "x"), "names no epoch"),
            (Self.file(rows: 8, poison: .nan), "is not a number"),
            (Self.file(rows: 1), "1 row can't be projected"),
        ]
        for (data, words) in cases {
            let file = stage.path("bad.safetensors")
            try data.write(to: URL(fileURLWithPath: file))
            let result = try stage.run(["project", file, "--out", stage.path("out")])
            #expect(result.status == 64)
            #expect(result.errors.contains("bad.safetensors"))
            #expect(result.errors.contains(words), "\(result.errors)")
        }
        let written = try FileManager.default.contentsOfDirectory(atPath: stage.path("out"))
        #expect(written.isEmpty)
    }
}
