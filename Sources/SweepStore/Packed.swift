import FoundationEssentials
import SweepCore

/// The lists of a plan.
enum PlanList: String, CaseIterable {
    case keys
    case cells
    case runs

    var itemBytes: Int {
        switch self {
        case .keys: 32
        case .cells: 4
        // first, count, last: 4 bytes each; steps: 8 bytes.
        case .runs: 20
        }
    }

    static let insert = "INSERT INTO plan_part (plan, list, first, items) VALUES (?, ?, ?, ?)"
}

/// Lists in BLOBs, little-endian: what a plan of a million points is stored as.
enum Packed {
    private static let keyBytes = PlanList.keys.itemBytes
    private static let cellBytes = PlanList.cells.itemBytes
    private static let runBytes = PlanList.runs.itemBytes

    static func data(_ keys: ArraySlice<PointKey>) -> Data {
        var data = Data(capacity: keys.count * keyBytes)
        for key in keys { data.append(contentsOf: key.digest.bytes) }
        return data
    }

    static func data(_ cells: ArraySlice<UInt32>) -> Data {
        cells.withUnsafeBytes { Data($0) }
    }

    static func data(_ runs: [PlannedRun]) -> Data {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(runs.count * runBytes)
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for run in runs {
            append(run.first)
            append(run.count)
            append(run.last)
            append(Int64(run.steps))
        }
        return Data(bytes)
    }

    static func keys(_ data: Data) -> [PointKey]? {
        guard data.count % keyBytes == 0 else { return nil }
        return data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: keyBytes).map { start in
                PointKey(
                    Digest(
                        bytes: bytes.loadUnaligned(
                            fromByteOffset: start, as: SIMD32<UInt8>.self)))
            }
        }
    }

    static func cells(_ data: Data) -> [UInt32]? {
        guard data.count % cellBytes == 0 else { return nil }
        return data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: cellBytes).map {
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
            }
        }
    }

    struct Run {
        let first: UInt32
        let count: UInt32
        let last: UInt32
        let steps: Int
    }

    static func runs(_ data: Data) -> [Run]? {
        guard data.count % runBytes == 0 else { return nil }
        return data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: runBytes).map { start in
                func number(_ offset: Int) -> UInt32 {
                    UInt32(
                        littleEndian: bytes.loadUnaligned(
                            fromByteOffset: start + offset, as: UInt32.self))
                }
                let steps = Int64(
                    littleEndian: bytes.loadUnaligned(
                        fromByteOffset: start + 12, as: Int64.self))
                return Run(
                    first: number(0), count: number(4), last: number(8), steps: Int(steps))
            }
        }
    }
}
