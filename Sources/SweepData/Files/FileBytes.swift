import Glibc
import SweepCore

/// The bytes of a file, mapped into memory: read from disk when they are looked at, never copied.
///
/// The file must keep its length while it is mapped, as a model's files do.
package final class FileBytes {
    package let bytes: UnsafeRawBufferPointer

    package init(mapping path: String) throws(DataError) {
        let (file, size) = try FileContent.open(path)
        defer { close(file) }
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0)
        guard let address, address != MAP_FAILED else { throw FileContent.unreadable(path) }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit {
        if let address = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
        }
    }

    package var digest: Digest {
        var builder = DigestBuilder()
        builder.update(bytes)
        return builder.finish()
    }
}

// The bytes are never written to.
extension FileBytes: @unchecked Sendable {}
