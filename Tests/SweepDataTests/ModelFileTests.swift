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

    @Test("64-bit integers and the metadata are read")
    func integersAndMetadata() throws {
        let content =
            file(
                #"{"__metadata__":{"epoch":"3","run":"a"},"w":{"dtype":"I64","shape":[2],"#
                    + #""data_offsets":[0,16]}}"#, bytes: 0) + [1] + [0, 0, 0, 0, 0, 0, 0]
            + Array(repeating: 255, count: 8)
        let tensors = try SafeTensors(parsing: content, path: "hidden.safetensors")
        #expect(tensors.metadata == ["epoch": "3", "run": "a"])
        #expect(try tensors.integers("w") == [1, -1])
        #expect(throws: DataError.self) { try values(content) }
        let floats = file(#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, bytes: 8)
        let other = try SafeTensors(parsing: floats, path: "model.safetensors")
        #expect(other.metadata.isEmpty)
        #expect(throws: DataError.self) { try other.integers("w") }
    }

    @Test("A truncated file or a lying header is an error, never a crash")
    func badFiles() throws {
        func entry(_ shape: String, _ offsets: String, type: String = "F32") -> [UInt8] {
            file(
                #"{"w":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}}"#,
                bytes: 16)
        }
        let good = entry("[2,2]", "[0,16]")
        #expect(try values(good).count == 4)
        for count in 0..<good.count {
            #expect(throws: DataError.self) { try values(Array(good.prefix(count))) }
        }
        let bad = [
            entry("[2,2]", "[0,20]"), entry("[2,2]", "[-4,12]"), entry("[2,2]", "[12,0]"),
            entry("[2,3]", "[0,16]"), entry("[-2,-2]", "[0,16]"), entry("[2]", "[0]"),
            entry("[4611686018427387904,4]", "[0,16]"), entry("[2,2]", "[0,16]", type: "I64"),
            entry("[2,2]", "[0,9223372036854775807]"), file("{\"w\":3}", bytes: 4),
            file("not json", bytes: 4), [255, 255, 255, 255, 255, 255, 255, 127, 1],
        ]
        for content in bad {
            #expect(throws: DataError.self) { try values(content) }
        }
        #expect(throws: DataError.self) { try values(good, "other") }
    }
}
