import SweepCore
import Testing

@Suite("Files at the coordinator")
struct TransfersTests {
    private let start = Instant(nanoseconds: 0)
    private let route = Route([1])
    private let digest = Digest(ofText: "file")

    /// Uploads a file of `size` bytes of which `received` have arrived before.
    private func uploading(_ size: Int, received: Int = 0) -> Transfers {
        @Checked var transfers = Transfers()
        let upload = Upload(digest: digest, size: size)
        let opened = transfers.handle(.upload(upload, from: route), at: start)
        #expect(opened == [.file(.open(upload, for: route))])
        let answer = transfers.handle(
            .outcome(.opened(digest, .arriving, received: received, for: route)), at: start)
        #expect(answer == [progress(received)])
        return transfers
    }

    private func progress(
        _ received: Int, _ state: UploadProgress.State = .arriving
    ) -> Effect {
        let progress = UploadProgress(digest: digest, received: received, state: state)
        return .answerFile(.progress(progress), to: route)
    }

    private func chunk(_ offset: Int, _ count: Int) -> Chunk {
        Chunk(
            digest: digest, offset: offset, bytes: Array(repeating: 7, count: count),
            total: offset + count)
    }

    @Test("Chunks are written in their order, and the last one is followed by the check")
    func inOrder() {
        @Checked var transfers = uploading(30, received: 10)
        func send(_ chunk: Chunk) -> [Effect] {
            transfers.handle(.chunk(chunk, from: route), at: start)
        }
        #expect(send(chunk(10, 10)) == [.file(.write(chunk(10, 10))), progress(20)])
        #expect(send(chunk(10, 10)) == [progress(20)], "one that comes twice is not written")
        #expect(send(chunk(25, 5)) == [progress(20)], "nor one behind a gap")
        #expect(
            send(chunk(20, 10)) == [
                .file(.write(chunk(20, 10))), .file(.finish(digest, for: route)),
            ])
        #expect(
            transfers.handle(.outcome(.finished(digest, .stored, for: route)), at: start)
                == [progress(30, .stored)])
        #expect(send(chunk(20, 10)).isEmpty)
    }

    @Test("Who is gone leaves nothing open, and what has arrived stays")
    func gone() {
        @Checked var transfers = uploading(30, received: 10)
        #expect(transfers.handle(.gone(Route([9])), at: start).isEmpty)
        #expect(transfers.handle(.gone(route), at: start) == [.file(.close(digest))])
        #expect(transfers.handle(.chunk(chunk(10, 5), from: route), at: start).isEmpty)
        let upload = Upload(digest: digest, size: 30)
        #expect(
            transfers.handle(.upload(upload, from: route), at: start)
                == [.file(.open(upload, for: route))])
        // Gone again, before the file was open.
        #expect(transfers.handle(.gone(route), at: start) == [.file(.close(digest))])
        #expect(
            transfers.handle(
                .outcome(.opened(digest, .arriving, received: 10, for: route)), at: start)
                == [.file(.close(digest))])
    }

    @Test("One connection begins sixteen files at most; others still begin theirs")
    func manyFiles() {
        @Checked var transfers = Transfers()
        func begin(_ number: Int, _ route: Route) -> Bool {
            let upload = Upload(digest: Digest(ofText: "\(number)"), size: 10)
            return !transfers.handle(.upload(upload, from: route), at: start).isEmpty
        }
        #expect((0..<20).map { begin($0, route) } == (0..<20).map { $0 < 16 })
        #expect(begin(30, Route([2])))
        _ = transfers.handle(
            .outcome(.opened(Digest(ofText: "0"), .arriving, received: 0, for: route)), at: start)
        #expect(begin(0, route), "one that is known goes on")
    }

    @Test("A chunk beyond the size of its file is dropped")
    func beyondTheSize() {
        @Checked var transfers = uploading(30)
        for chunk in [chunk(0, 31), chunk(25, 6), chunk(1 << 40, 1)] {
            #expect(transfers.handle(.chunk(chunk, from: route), at: start).isEmpty)
        }
        #expect(transfers.droppedMessages == 3)
    }

    @Test("A file with another digest is told to be damaged, and may be sent anew")
    func wrongDigest() {
        @Checked var transfers = uploading(10)
        _ = transfers.handle(.chunk(chunk(0, 10), from: route), at: start)
        #expect(
            transfers.handle(.outcome(.finished(digest, .damaged, for: route)), at: start)
                == [progress(0, .damaged)])
        let upload = Upload(digest: digest, size: 10)
        #expect(
            transfers.handle(.upload(upload, from: route), at: start)
                == [.file(.open(upload, for: route))])
    }

    @Test("After a lost connection the worker is told what has arrived, on its new route")
    func newConnection() {
        @Checked var transfers = uploading(30)
        _ = transfers.handle(.chunk(chunk(0, 10), from: route), at: start)
        let upload = Upload(digest: digest, size: 30)
        let answer = transfers.handle(.upload(upload, from: Route([2])), at: start)
        let progress = UploadProgress(digest: digest, received: 10, state: .arriving)
        #expect(answer == [.answerFile(.progress(progress), to: Route([2]))])
    }

    @Test("What had arrived whole before a crash is checked, not sent again")
    func wholeButNotChecked() {
        @Checked var transfers = Transfers()
        let upload = Upload(digest: digest, size: 10)
        _ = transfers.handle(.upload(upload, from: route), at: start)
        #expect(
            transfers.handle(
                .outcome(.opened(digest, .arriving, received: 10, for: route)), at: start)
                == [.file(.finish(digest, for: route))])
    }

    @Test("A disk without room is noted, and the upload begins again when the worker asks")
    func full() {
        @Checked var transfers = uploading(10)
        guard
            case .note(let text)? = transfers.handle(.outcome(.failed(digest, "full")), at: start)
                .first
        else {
            Issue.record("no note")
            return
        }
        #expect(text.contains("full"))
        let upload = Upload(digest: digest, size: 10)
        #expect(
            transfers.handle(.upload(upload, from: route), at: start)
                == [.file(.open(upload, for: route))])
    }

    @Test("An upload that nobody goes on with is thrown away")
    func abandoned() {
        @Checked var transfers = uploading(10)
        #expect(transfers.handle(.tick, at: start + .seconds(599)).isEmpty)
        #expect(transfers.handle(.tick, at: start + .seconds(600)) == [.file(.abandon(digest))])
    }
}
