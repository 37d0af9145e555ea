import SweepCore
import SweepWire

/// A message of any direction.
enum AnyMessage: Hashable {
    case toCoordinator(MessageToCoordinator)
    case toWorker(MessageToWorker)
    case toClient(MessageToClient)
    case toTrainer(MessageToTrainer)
    case fromTrainer(MessageFromTrainer)

    var frame: [UInt8] {
        switch self {
        case .toCoordinator(let message): Codec.encode(message)
        case .toWorker(let message): Codec.encode(message)
        case .toClient(let message): Codec.encode(message)
        case .toTrainer(let message): Codec.encode(message)
        case .fromTrainer(let message): Codec.encode(message)
        }
    }

    /// What whoever gets such messages reads in the frame.
    func read(_ frame: [UInt8]) throws(WireError) -> AnyMessage {
        switch self {
        case .toCoordinator: .toCoordinator(try Codec.decode(frame))
        case .toWorker: .toWorker(try Codec.decode(frame))
        case .toClient: .toClient(try Codec.decode(frame))
        case .toTrainer: .toTrainer(try Codec.decode(frame))
        case .fromTrainer: .fromTrainer(try Codec.decode(frame))
        }
    }

    /// One for each direction.
    private static let readers: [AnyMessage] = [
        .toCoordinator(.askStatus), .toWorker(.identify), .toClient(.identify),
        .toTrainer(.revoke(AttemptID(1))), .fromTrainer(.ready(libtorch: "")),
    ]

    /// What each of those who might get the frame reads in it.
    static func all(in frame: [UInt8]) -> [AnyMessage] {
        readers.compactMap { try? $0.read(frame) }
    }
}
