/// What can go wrong with a store.
public enum StoreError: Error, Hashable, CustomStringConvertible {
    case cannotOpen(path: String, reason: String)
    /// Neither this version nor an earlier one made it.
    case foreign(path: String)
    /// The disk under the store is full, or a quota is used up.
    case full(path: String)
    case failed(path: String, reason: String)
    case unknownSweep(name: String, known: [String])
    case damaged(path: String, what: String)

    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason): "\(path): the store can't be opened: \(reason)"
        case .foreign(let path):
            "\(path): another version of moderato made this store; use that version, or begin a "
                + "new home with --home FOLDER"
        case .full(let path):
            "\(path): the disk is full; nothing is lost, and work goes on when there is room"
        case .failed(let path, let reason): "\(path): \(reason)"
        case .unknownSweep(let name, let known):
            known.isEmpty
                ? "there is no sweep in this store yet; submit one with: moderato submit FILE"
                : name.isEmpty
                    ? "say which sweep: \(known.joined(separator: ", "))"
                    : "there is no sweep '\(name)'; there are: \(known.joined(separator: ", "))"
        case .damaged(let path, let what): "\(path): \(what) in the store can't be read"
        }
    }
}
