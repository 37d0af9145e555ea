import Glibc
import SweepCore
import SweepWire

// libFuzzer over what strangers and peers may send; built and run by `run` beside this file.
// libFuzzer has the main function and calls these two.

private let usage = """
    usage: MODERATO_FUZZER=codec|admission|peers moderato-fuzz-wire [OPTIONS OF LIBFUZZER] FOLDER
           moderato-fuzz-wire seeds codec|admission|peers FILE FOLDER   an input a file
           moderato-fuzz-wire pack FOLDER FILE        an input a line, in hexadecimal
    """

nonisolated(unsafe) private var target: ([UInt8]) -> Void = FuzzTarget.codec

@_cdecl("LLVMFuzzerInitialize")
func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let words = (1..<Int(count.pointee)).map { String(cString: arguments.pointee[$0]!) }
    if words.first == "seeds", words.count == 4 {
        Corpus.unpack(words[1], from: words[2], to: words[3])
        exit(0)
    }
    if words.first == "pack", words.count == 3 {
        Corpus.pack(words[1], to: words[2])
        exit(0)
    }
    // Not an argument: libFuzzer starts itself again to compare inputs.
    switch getenv("MODERATO_FUZZER").map({ String(cString: $0) }) {
    case "codec": target = FuzzTarget.codec
    case "admission": target = FuzzTarget.admission
    case "peers": target = FuzzTarget.peers
    default: fail(usage)
    }
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

func fail(_ text: String) -> Never {
    let bytes = Array("\(text)\n".utf8)
    _ = write(2, bytes, bytes.count)
    exit(64)
}
