/// Owns the C structures of one message while it is packed.
public final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// One structure of C, made by its own initialiser.
    func make<T>(
        _ initialize: (UnsafeMutablePointer<T>?) -> Void, _ fill: (inout T) -> Void = { _ in }
    ) -> UnsafeMutablePointer<T> {
        let pointer = reserve(T.self, count: 1)
        initialize(pointer)
        fill(&pointer.pointee)
        return pointer
    }

    /// A C string. NUL cannot be in one and becomes U+FFFD.
    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        var bytes = Array(text.utf8)
        if bytes.contains(0) {
            bytes = Array(String(text.map { $0 == "\0" ? "\u{FFFD}" : $0 }).utf8)
        }
        let pointer = reserve(CChar.self, count: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { pointer[index] = CChar(bitPattern: byte) }
        pointer[bytes.count] = 0
        return pointer
    }

    /// A C array; `nil` if there is nothing in it.
    func array<T>(_ items: [T]) -> UnsafeMutablePointer<T>? {
        guard !items.isEmpty else { return nil }
        let pointer = reserve(T.self, count: items.count)
        pointer.initialize(from: items, count: items.count)
        return pointer
    }

    /// A C array of pointers to structures, as `repeated` messages and strings are.
    func pointers<T>(
        _ items: [UnsafeMutablePointer<T>]
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<T>?>? {
        array(items.map { Optional($0) })
    }

    func reserveBytes(_ count: Int) -> UnsafeMutableRawPointer {
        let block = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
        blocks.append(block)
        return block
    }

    private func reserve<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        let pointer = UnsafeMutablePointer<T>.allocate(capacity: count)
        blocks.append(UnsafeMutableRawPointer(pointer))
        return pointer
    }
}
