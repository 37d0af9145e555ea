import CSweepProto
import Glibc
import SweepCore
import SweepWire
import Testing

@Suite("The codec")
struct CodecTests {
    @Test("Every message survives the wire", arguments: Sample.messages)
    func roundTrip(_ message: AnyMessage) throws {
        #expect(try message.read(message.frame) == message)
    }

    @Test("What is for others is told from nonsense, and from what nobody knows")
    func otherDirection() throws {
        let frame = Codec.encode(MessageToWorker.leave)
        let words = "nothing that a coordinator gets, in this version"
        #expect(throws: WireError.malformed(words)) {
            try Codec.decode(frame, as: MessageToCoordinator.self)
        }
        #expect(AnyMessage.all(in: frame) == [.toWorker(.leave)])
        // What both a worker and a client get is one frame.
        #expect(
            AnyMessage.all(in: Codec.encode(MessageToWorker.rejected("é")))
                == [.toWorker(.rejected("é")), .toClient(.rejected("é"))])
    }

    @Test("A frame cut short anywhere is malformed, never a crash", arguments: Sample.messages)
    func truncated(_ message: AnyMessage) {
        let frame = message.frame
        for length in 0..<frame.count {
            // A shorter frame may be a message by chance (a list cut between its items), never
            // this one.
            #expect((try? message.read(Array(frame.prefix(length)))) != message)
        }
    }

    @Test("Any byte changed gives a message or an error, never a crash")
    func corrupted() {
        var random = RandomSource(seed: 7)
        for message in Sample.messages {
            let frame = message.frame
            for _ in 0..<500 {
                var changed = frame
                let place = Int.random(in: changed.indices, using: &random)
                changed[place] = UInt8.random(in: 0...255, using: &random)
                for decoded in AnyMessage.all(in: changed) {
                    #expect((try? decoded.read(decoded.frame)) == decoded)
                }
            }
        }
    }

    @Test("Another version is told apart from nonsense")
    func otherVersion() {
        // Field 1 (version) = 300, then a field this version does not know.
        let frame: [UInt8] = [0x08, 0xAC, 0x02, 0xFA, 0x3F, 0x00]
        #expect(throws: WireError.versionMismatch(theirs: 300, ours: protocolVersion)) {
            try read(frame)
        }
        #expect(throws: WireError.malformed("no version")) { try read([]) }
        #expect(throws: WireError.malformed("no version")) { try read([0x12, 0x00]) }
        #expect(throws: WireError.self) { try read([0x08, 0x01]) }
    }

    @Test("A frame over the limit is refused before it is looked at")
    func oversized() {
        let frame = [UInt8](repeating: 0x08, count: Codec.maxFrameBytes + 1)
        #expect(throws: WireError.self) { try read(frame) }
    }

    @Test("The largest chunk fits a frame")
    func largestChunk() throws {
        let chunk = Sample.chunk(offset: 1 << 39, count: Chunk.mostBytes)
        let frame = Codec.encode(MessageToCoordinator.file(.chunk(chunk)))
        #expect(frame.count < Codec.maxFrameBytes)
        #expect(try read(frame) == .file(.chunk(chunk)))
    }

    @Test("NUL in a text is replaced, since C strings can't hold it")
    func nul() throws {
        let frame = Codec.encode(MessageToWorker.refused("a\0b"))
        #expect(try Codec.decode(frame) == MessageToWorker.refused("a\u{FFFD}b"))
    }

    @Test(
        "Values out of range are refused",
        arguments: [
            ("CACC above 1", MessageToCoordinator.report(Sample.report(cacc: 1.5))),
            ("CACC NaN", .report(Sample.report(cacc: .nan))),
            ("loss infinite", .report(Sample.report(loss: .infinity))),
            (
                "more correct than there are",
                .report(Sample.report(classes: [ClassResult(correct: 3, total: 2)]))
            ),
            ("fit's loss NaN", .report(Sample.report(cleanFit: Fit(loss: .nan, accuracy: 0)))),
            ("fit's accuracy 2", .report(Sample.report(cleanFit: Fit(loss: 0, accuracy: 2)))),
            ("too many slots", .hello(Sample.hello(slots: 5_000))),
            ("no name", .hello(Sample.hello(name: ""))),
            ("name too long", .hello(Sample.hello(name: String(repeating: "x", count: 101)))),
            ("empty axis", .submit(Sample.sweep { $0.grid.seeds = [] })),
            ("learning rate 0", .submit(Sample.sweep { $0.grid.learningRates = [0] })),
            ("poison ratio 2", .submit(Sample.sweep { $0.grid.poisonRatios = [2] })),
            ("0 epochs", .submit(Sample.sweep { $0.grid.epochs = [0] })),
            ("dropout 1", .submit(Sample.sweep { $0.settings.dropout = 1 })),
            (
                "a file beyond all disks",
                .file(.upload(Upload(digest: Sample.file.digest, size: 1 << 41)))
            ),
            (
                "an empty chunk before the end",
                .file(.chunk(Chunk(digest: Sample.file.digest, offset: 0, bytes: [], total: 9)))
            ),
            (
                "a chunk behind the end",
                .file(
                    .chunk(Chunk(digest: Sample.file.digest, offset: 8, bytes: [1, 2], total: 9)))
            ),
            ("a chunk too large", .file(.chunk(Sample.chunk(count: Chunk.mostBytes + 1)))),
            ("one label", .submit(Sample.sweep { $0.data.labels = 1 })),
            (
                "target of no class",
                .submit(Sample.sweep { $0.grid.attacks = [.word(WordAttack(target: 2))] })
            ),
            (
                "no triggers",
                .submit(Sample.sweep { $0.grid.attacks = [.word(WordAttack(triggers: []))] })
            ),
        ])
    func outOfRange(_ what: String, _ message: MessageToCoordinator) {
        #expect(throws: WireError.self, "\(what)") { try read(Codec.encode(message)) }
    }

    private func read(_ frame: [UInt8]) throws(WireError) -> MessageToCoordinator {
        try Codec.decode(frame)
    }

    @Test("Classes with a figure too few are refused")
    func unequalLists() {
        let classes = [ClassResult(correct: 1, total: 2), ClassResult(correct: 3, total: 4)]
        var frame = Codec.encode(MessageToCoordinator.report(Sample.report(classes: classes)))
        let totals: [UInt8] = [21 << 3 & 0x7F | 2 | 0x80, 1, 2, 2, 4]
        let place = frame.indices.first { frame[$0...].starts(with: totals) } ?? 0
        // The first of the two goes on in the second.
        frame[place + 3] |= 0x80
        #expect(throws: WireError.malformed("figures of 2 and 1 classes")) { try read(frame) }
        // The field of the totals gets a number that no field has.
        frame[place + 1] = 31
        #expect(throws: WireError.malformed("a field that this version does not know")) {
            try read(frame)
        }
    }

    @Test("A text that is not UTF-8 is refused")
    func notUTF8() {
        var frame = Codec.encode(MessageToWorker.refused("abc"))
        frame[frame.count - 2] = 0xFF
        #expect(throws: WireError.malformed("text is not UTF-8")) {
            try Codec.decode(frame, as: MessageToWorker.self)
        }
    }

    @Test("Messages on a pipe come out whole, however they are cut")
    func frameStream() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        var stream = FrameStream()
        var received: [MessageFromTrainer] = []
        for message in Sample.fromTrainer.prefix(4) {
            for byte in FrameStream.framed(message) {
                #expect(write(ends[1], [byte], 1) == 1)
                received += try #require(try stream.read(from: ends[0]))
            }
        }
        #expect(received == Array(Sample.fromTrainer.prefix(4)))
        #expect(write(ends[1], [UInt8](repeating: 0xFF, count: 4), 4) == 4)
        #expect(throws: WireError.self) {
            try stream.read(from: ends[0], as: MessageFromTrainer.self)
        }
    }
}
