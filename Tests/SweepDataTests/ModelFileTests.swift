import Foundation
import SweepCore
import SweepData
import Testing

@Suite struct ModelFiles {
    private func file(_ header: String, bytes: Int) -> [UInt8] {
        let header = Array(header.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return length + header + (0..<bytes).map { UInt8($0 & 0x3F) }
    }

    private func values(_ content: [UInt8], _ name: String = "w") throws -> [Float] {
        try SafeTensors(parsing: content, path: "model.safetensors").withFloats(name) { Array($0) }
    }

    @Test("float32, float16 and bfloat16 are read")
    func types() throws {
        func content(_ type: String, _ bytes: [UInt8], _ shape: String) -> [UInt8] {
            file(
                #"{"__metadata__":{"format":"pt"},"w":{"dtype":"\#(type)","shape":\#(shape),"#
                    + #""data_offsets":[0,\#(bytes.count)]}}"#, bytes: 0) + bytes
        }
        #expect(try values(content("F32", [0, 0, 128, 63, 0, 0, 32, 192], "[2]")) == [1, -2.5])
        #expect(try values(content("BF16", [128, 63, 32, 192], "[2,1]")) == [1, -2.5])
        let half = try values(content("F16", [0, 60, 0, 193, 1, 0, 0, 124, 0, 0], "[5]"))
        #expect(half == [1, -2.5, 0x1p-24, .infinity, 0])
    }

    @Test("A truncated file or a lying header is an error with a reason, never a crash")
    func badFiles() throws {
        func entry(_ shape: String, _ offsets: String, type: String = "F32") -> String {
            #"{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
        }
        func problem(_ header: String, bytes: Int = 16) -> String {
            message { try values(file(header, bytes: bytes)) }
        }
        func problem(_ shape: String, _ offsets: String, type: String = "F32") -> String {
            problem("{\"w\":\(entry(shape, offsets, type: type))}")
        }
        let good = file("{\"w\":\(entry("[2,2]", "[0,16]"))}", bytes: 16)
        #expect(try values(good).count == 4)
        for count in 0..<good.count {
            #expect(throws: DataError.self) { try values(Array(good.prefix(count))) }
        }
        #expect(message { try values(good + [0]) }.contains("belong to no weight"))
        #expect(problem("[2,2]", "[0,20]").contains("beyond the end"))
        #expect(problem("[2,2]", "[-4,12]").contains("beyond the end"))
        #expect(problem("[2,2]", "[12,0]").contains("beyond the end"))
        #expect(problem("[2,2]", "[0]").contains("beyond the end"))
        #expect(problem("[2,2]", "[0,9223372036854775807]").contains("beyond the end"))
        #expect(problem("[2,2]", "[0,1e1]").contains("beyond the end"))
        #expect(problem("[2,3]", "[0,16]").contains("does not fill its 16 bytes"))
        #expect(problem("[2,2]", "[0,16]", type: "F16").contains("does not fill"))
        #expect(problem("[-2,-2]", "[0,16]").contains("has no shape"))
        #expect(problem("[4611686018427387904,4]", "[0,16]").contains("impossible shape"))
        #expect(problem("[4611686018427387904]", "[0,16]").contains("does not fill"))
        #expect(problem("[4]", "[0,16]", type: "F99").contains("has the type F99, not F32"))
        #expect(problem("[2]", "[0,16]", type: "I64").contains("has the type I64"))
        #expect(problem("{\"w\":3}").contains("lacks its dtype"))
        #expect(problem("not json").contains("not the JSON"))
        #expect(problem("[]").contains("no JSON object"))
        let twice = entry("[4]", "[0,16]")
        #expect(problem("{\"w\":\(twice),\"w\":\(twice)}").contains("the key 'w' comes twice"))
        #expect(problem("{\"w\":\(twice),\"v\":\(twice)}").contains("overlaps another"))
        #expect(problem("{\"w\":\(entry("[2]", "[8,16]"))}").contains("leaves a gap"))
        let nested = String(repeating: "[", count: 100_000)
        #expect(problem("{\"w\":\(nested)").contains("nesting is too deep"))
        let lying: [UInt8] = [255, 255, 255, 255, 255, 255, 255, 127, 1]
        #expect(message { try values(lying) }.contains("bytes long, beyond the end"))
        #expect(message { try values(good, "other") }.contains("no weight 'other'"))
    }

    @Test("A header of more than 100 MB is refused")
    func oversizedHeader() throws {
        let length: UInt64 = 100_000_001
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        let path = try Fixture.folder(["m": bytes]).appending(path: "m").path
        // A hole, which takes no room on the disk.
        try #require(truncate(path, 100_000_009) == 0)
        let problem = message { try SafeTensors(file: FileBytes(mapping: path), path: path) }
        #expect(problem.contains("the header is 100000001 bytes long"))
        try FileManager.default.removeItem(atPath: path)
    }

    @Test("What is written is read again, and the same tensors give the same bytes")
    func writer() throws {
        let floats: [Float] = [1, -2.5, .infinity, 0x1p-149, -0.0, 3.4e38]
        var one = SafeTensorsWriter(metadata: ["b": "\"x\"\n", "a": "é"])
        one.add("z.weight", shape: [2, 3], floats: floats)
        one.add("a", shape: [], floats: [7])
        one.add("n", shape: [2], integers: [.min, .max])
        one.add("empty", shape: [0, 4], floats: [])
        var other = SafeTensorsWriter(metadata: ["a": "é", "b": "\"x\"\n"])
        other.add("empty", shape: [0, 4], floats: [])
        other.add("n", shape: [2], integers: [.min, .max])
        other.add("z.weight", shape: [2, 3], floats: floats)
        other.add("a", shape: [], floats: [7])
        let content = one.content()
        #expect(content == other.content())
        #expect(content[0] % 8 == 0)
        let url = try Fixture.folder(["m.safetensors": content]).appending(path: "m.safetensors")
        let mapped = try SafeTensors(file: FileBytes(mapping: url.path), path: url.path)
        for read in [mapped, try SafeTensors(parsing: content, path: "m")] {
            #expect(read.names == ["a", "empty", "n", "z.weight"])
            #expect(try read.floats("z.weight").map(\.bitPattern) == floats.map(\.bitPattern))
            #expect(read.shape(of: "z.weight") == [2, 3])
            #expect(try read.floats("a") == [7] && read.shape(of: "a") == [])
            #expect(try read.integers("n") == [.min, .max])
            #expect(try read.floats("empty") == [] && read.shape(of: "empty") == [0, 4])
            #expect(message { try read.integers("a") }.contains("has the type F32, not I64"))
        }
    }

    @Test("A file is replaced as a whole; a folder that is not there is named")
    func writing() throws {
        let url = try Fixture.folder(["f": [1]]).appending(path: "f")
        try FileContent.write([2, 3], to: url.path)
        #expect(try FileContent.read(url.path) == [2, 3])
        #expect(try FileBytes(mapping: url.path).digest == Digest(of: [2, 3]))
        try FileContent.write([], to: url.path)
        #expect(try FileBytes(mapping: url.path).digest == Digest(of: []))
        #expect(
            message { try FileContent.write([1], to: "/nowhere/f") }
                .hasPrefix("/nowhere/f cannot be written: No such file"))
        #expect(message { try FileBytes(mapping: "/nowhere/f") }.contains("cannot be read"))
        #expect(message { try FileBytes(mapping: "/tmp") }.contains("it is not a file"))
    }
}
