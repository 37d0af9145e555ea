/// What can go wrong on the wire and with the files that open it.
public enum WireError: Error, Hashable, CustomStringConvertible {
    /// Bytes that are no message of ours; the text says what is wrong with them.
    case malformed(String)
    case versionMismatch(theirs: UInt32, ours: UInt32)
    /// A call into libzmq failed; `doing` completes the sentence "while …".
    case socket(doing: String, reason: String)
    case listen(endpoint: String, problem: String)
    /// The name of a machine that nobody knows here.
    case name(host: String, reason: String)
    case accessFile(path: String, problem: String)
    /// A plain socket would leave this machine.
    case insecure(endpoint: String)
    case noAnswer(endpoint: String, seconds: Double)
    case rejected(String)
    case tooLarge(bytes: Int)
    /// A file that is sent or received can't be read or written.
    case file(path: String, reason: String)

    public var description: String {
        switch self {
        case .malformed(let what): "malformed message: \(what)"
        case .versionMismatch(let theirs, let ours):
            "the peer speaks protocol version \(theirs), this program \(ours); "
                + "install the same version of moderato on both sides"
        case .socket(let doing, let reason): "\(reason), while \(doing)"
        case .listen(let endpoint, let problem): "\(endpoint): can't listen there: \(problem)"
        case .name(let host, let reason):
            "the name '\(host)' can't be resolved: \(reason); check how it is written, and this "
                + "machine's /etc/hosts and DNS"
        case .accessFile(let path, let problem): "\(path): \(problem)"
        case .insecure(let endpoint):
            "\(endpoint): without keys (--insecure) a coordinator is at 127.0.0.1 or [::1] alone, "
                + "as with --listen 127.0.0.1:5757; for other machines start it without "
                + "--insecure, and copy its access files again"
        case .noAnswer(let endpoint, let seconds):
            "no answer from the coordinator at \(endpoint) in \(Int(seconds)) s; "
                + "is it running, and is the access file of this coordinator?"
        case .rejected(let reason): reason
        case .file(let path, let reason): "\(path): \(reason)"
        case .tooLarge(let bytes):
            "the message has \(bytes) bytes, \(Codec.maxFrameBytes) is the most; "
                + "submit fewer values of an axis at once, under several names"
        }
    }
}
