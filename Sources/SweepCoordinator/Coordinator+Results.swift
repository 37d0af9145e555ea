import SweepCore
import SweepStore
import SweepWire

/// Answers about results.
extension Coordinator {
    /// The most bytes of an answer, so that few are held for a peer that does not read, and what a
    /// slice has beside its runs.
    private static let bytesInAnAnswer = 256 * 1_024
    private static let bytesOfASlice = 1_024

    /// As much of what is new as fits into an answer and is read soon.
    func results(of sweep: String, since cursor: ResultsCursor) -> MessageToClient {
        let begin = now
        let room = ResultsRoom(
            most: Self.bytesInAnAnswer - Self.bytesOfASlice, size: Codec.bytes(of:),
            isLate: { [self] in now - begin >= Self.longestAnswers })
        do {
            return .results(try store.results(of: sweep, since: cursor, room))
        } catch {
            return .rejected("\(error)")
        }
    }
}
