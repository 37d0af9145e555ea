import Crypto

/// A SHA-256 digest: 32 bytes, written as 64 lower-case hexadecimal digits.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The bytes in order, eight in each word, the first the most significant.
    private let words: SIMD4<UInt64>

    /// `nil` unless there are exactly 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.init(bytes: SIMD32(bytes))
    }

    /// From the bytes in order.
    public init(bytes: SIMD32<UInt8>) {
        let words = unsafeBitCast(bytes, to: SIMD4<UInt64>.self)
        self.words = SIMD4(
            words[0].bigEndian, words[1].bigEndian, words[2].bigEndian, words[3].bigEndian)
    }

    public var bytes: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64(56 - $0 % 8 * 8)) }
    }

    var firstByte: UInt8 { UInt8(truncatingIfNeeded: words[0] >> 56) }

    /// The first eight bytes as a number.
    public var firstWord: UInt64 { words[0] }

    /// `nil` unless `hex` is 64 hexadecimal digits.
    public init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for index in stride(from: 0, to: 64, by: 2) {
            guard let high = Digest.value(ofHexDigit: digits[index]),
                let low = Digest.value(ofHexDigit: digits[index + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        guard let digest = Digest(bytes: bytes) else { return nil }
        self = digest
    }

    /// The digest of `content`.
    public init(of content: some Sequence<UInt8>) { self.init(of: Array(content)) }

    /// The digest of `content`.
    public init(of content: [UInt8]) {
        self = content.withUnsafeBytes { Digest(SHA256.hash(data: $0)) }
    }

    private init(_ hash: SHA256Digest) {
        words = hash.withUnsafeBytes { bytes in
            var words = SIMD4<UInt64>()
            for index in 0..<4 {
                words[index] = UInt64(
                    bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
            }
            return words
        }
    }

    /// The digest of the UTF-8 bytes of `text`.
    public init(ofText text: String) { self.init(of: text.utf8) }

    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The first 12 digits, for people.
    public var short: String { String(hex.prefix(12)) }

    public var description: String { hex }

    public static func < (left: Digest, right: Digest) -> Bool {
        for index in 0..<4 where left.words[index] != right.words[index] {
            return left.words[index] < right.words[index]
        }
        return false
    }

    private static func value(ofHexDigit digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Digest: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let hex = try container.decode(String.self)
        guard let digest = Digest(hex: hex) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a digest is 64 hexadecimal digits, not '\(hex)'")
        }
        self = digest
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

/// SHA-256 over content that arrives in pieces.
public struct DigestBuilder {
    private var hash = SHA256()

    public init() {}

    public mutating func update(_ piece: [UInt8]) {
        piece.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    public mutating func update(_ piece: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: piece)
    }

    public func finish() -> Digest {
        guard let digest = Digest(bytes: Array(hash.finalize())) else {
            preconditionFailure("SHA-256 gives 32 bytes")
        }
        return digest
    }
}
