/// Where a training computes.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    case processor
    /// A CUDA device, counted from 0.
    case cuda(Int)

    /// From `cpu`, `cuda` (device 0) or `cuda:N`; `nil` otherwise.
    public init?(_ text: String) {
        if text == "cpu" {
            self = .processor
        } else if text == "cuda" {
            self = .cuda(0)
        } else if text.hasPrefix("cuda:"), let index = Int(text.dropFirst(5)), index >= 0 {
            self = .cuda(index)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .processor: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    /// The shim's number of the device.
    var index: Int32 {
        switch self {
        case .processor: -1
        case .cuda(let index): Int32(clamping: index)
        }
    }
}
