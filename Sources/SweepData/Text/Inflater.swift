import CZlib

/// Unpacks gzip that arrives in pieces; files of several members, as `cat a.gz b.gz` and parallel
/// packers make them, too.
final class Inflater {
    private let stream: UnsafeMutablePointer<z_stream>
    /// Whether the last byte taken was the end of a member.
    private var isAtEnd = false

    /// How gzip begins.
    static let magic: [UInt8] = [0x1F, 0x8B]

    init() throws(LabelledTextError.Problem) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for gzip rather than zlib.
        let status = inflateInit2_(
            stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw .badGzip("zlib cannot begin (\(status))") }
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Hands over what the piece unpacks to, in pieces of up to 64 KiB.
    func unpack(
        _ piece: [UInt8], _ take: ([UInt8]) throws(LabelledTextError.Problem) -> Void
    ) throws(LabelledTextError.Problem) {
        let input = UnsafeMutablePointer<UInt8>.allocate(capacity: max(piece.count, 1))
        defer { input.deallocate() }
        input.update(from: piece, count: piece.count)
        stream.pointee.next_in = input
        stream.pointee.avail_in = UInt32(piece.count)
        let size = 1 << 16
        while true {
            if isAtEnd {
                if stream.pointee.avail_in == 0 { return }
                guard inflateReset(stream) == Z_OK else { throw .badGzip("zlib cannot go on") }
                isAtEnd = false
            }
            var status = Z_OK
            let unpacked = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(size)
                status = inflate(stream, Z_NO_FLUSH)
                count = size - Int(stream.pointee.avail_out)
            }
            guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                throw .badGzip(stream.pointee.msg.map { String(cString: $0) } ?? "\(status)")
            }
            isAtEnd = status == Z_STREAM_END
            if !unpacked.isEmpty { try take(unpacked) }
            if !isAtEnd, stream.pointee.avail_in == 0, unpacked.count < size { return }
        }
    }

    /// To be called when no piece comes any more.
    func finish() throws(LabelledTextError.Problem) {
        guard isAtEnd else { throw .badGzip("it ends too early") }
    }
}
