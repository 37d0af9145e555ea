import SweepCore
import Testing

@Suite("A file on its way to the coordinator")
struct FileUploadTests {
    private let start = Instant(nanoseconds: 0)
    private let file = Upload(digest: Digest(ofText: "file"), size: 3 * Chunk.mostBytes + 5)

    private func progress(
        _ received: Int, _ state: UploadProgress.State = .arriving
    ) -> UploadProgress {
        UploadProgress(digest: file.digest, received: received, state: state)
    }

    @Test("It asks first, goes on behind what is there, and ends when all is stored")
    func whole() {
        var upload = FileUpload(file)
        #expect(upload.advance(at: start) == [.ask(file)])
        #expect(upload.advance(at: start).isEmpty)
        #expect(upload.acceptProgress(progress(7), at: start) == .goesOn)
        let chunk = Chunk.mostBytes
        #expect(
            upload.advance(at: start) == [
                .sendChunk(offset: 7, count: chunk), .sendChunk(offset: 7 + chunk, count: chunk),
            ])
        #expect(upload.acceptProgress(progress(7 + chunk), at: start) == .goesOn)
        #expect(upload.received == 7 + chunk)
        #expect(
            upload.advance(at: start) == [.sendChunk(offset: 7 + 2 * chunk, count: chunk - 2)])
        #expect(upload.acceptProgress(progress(file.size, .stored), at: start) == .stored)
    }

    @Test("Nothing lost stops it: after three seconds it asks again what has arrived")
    func lost() {
        var upload = FileUpload(file)
        _ = upload.advance(at: start)
        _ = upload.acceptProgress(progress(0), at: start)
        #expect(upload.advance(at: start).count == 2)
        #expect(upload.advance(at: start + .seconds(2)).isEmpty)
        #expect(upload.advance(at: start + .seconds(3)) == [.ask(file)])
        _ = upload.acceptProgress(progress(Chunk.mostBytes), at: start + .seconds(3))
        #expect(
            upload.advance(at: start + .seconds(3)).first
                == .sendChunk(offset: Chunk.mostBytes, count: Chunk.mostBytes))
    }

    @Test("Who asks in vain for a minute is silent for a minute, whatever is sent")
    func silent() {
        var upload = FileUpload(file)
        for second in 0...60 {
            _ = upload.advance(at: start + .seconds(second))
            _ = upload.acceptProgress(progress(0), at: start + .seconds(second))
        }
        #expect(upload.silence(at: start + .seconds(60)) == .seconds(60))
    }

    @Test("What arrives damaged is sent again, and given up the third time")
    func damaged() {
        var upload = FileUpload(file)
        for time in 1...3 {
            #expect(upload.advance(at: start) == [.ask(file)])
            let outcome = upload.acceptProgress(progress(0, .damaged), at: start)
            #expect(outcome == (time < 3 ? .goesOn : .givenUp))
        }
        #expect(
            upload.acceptProgress(
                UploadProgress(digest: Digest(ofText: "other"), received: 0, state: .stored),
                at: start) == .goesOn)
    }
}
