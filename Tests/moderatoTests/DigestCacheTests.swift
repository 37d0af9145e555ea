import Foundation
import SweepCore
import Testing

@testable import moderato

@Suite("A large file that has not changed is not read again")
struct DigestCacheTests {
    private static let size = 2 << 20

    /// A file that was written a while ago, for who asks later.
    private struct Bench {
        let stage: Stage
        let file: String
        let cachePath: String

        init() throws {
            stage = try Stage()
            file = stage.path("model.safetensors")
            cachePath = stage.path("cache/digests")
            try write(1)
        }

        /// In place: the inode stays.
        func write(_ byte: UInt8, count: Int = DigestCacheTests.size) throws {
            if !FileManager.default.fileExists(atPath: file) {
                #expect(FileManager.default.createFile(atPath: file, contents: nil))
            }
            let handle = try #require(FileHandle(forWritingAtPath: file))
            try handle.truncate(atOffset: 0)
            try handle.write(contentsOf: Data(repeating: byte, count: count))
            try handle.close()
        }

        /// As another process would see it.
        ///
        /// - Parameter later: Seconds from now.
        func cache(later: Int = 60) -> DigestCache {
            DigestCache(path: cachePath) { time(nil) + later }
        }

        func digest(_ byte: UInt8) -> Digest {
            Digest(of: [UInt8](repeating: byte, count: DigestCacheTests.size))
        }

        /// Whether a new process reads the file, which has to be as `byte` says.
        func isRead(_ byte: UInt8) throws -> Bool {
            let cache = cache()
            #expect(try cache.digest(of: file) == digest(byte))
            return cache.bytesRead > 0
        }
    }

    @Test("The second process reads nothing, and the cache is the user's alone")
    func known() throws {
        let bench = try Bench()
        let first = bench.cache()
        for _ in 1...2 { #expect(try first.digest(of: bench.file) == bench.digest(1)) }
        #expect(first.bytesRead == Self.size)
        #expect(try !bench.isRead(1))
        for (path, rights) in [(bench.cachePath, 0o600), (bench.stage.path("cache"), 0o700)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == rights)
        }
    }

    @Test("Other bytes are noticed though size, inode and modification time are the same")
    func sneaky() throws {
        let bench = try Bench()
        #expect(try bench.isRead(1))
        var before = stat()
        #expect(stat(bench.file, &before) == 0)
        try bench.write(2)
        let times = [before.st_atim, before.st_mtim]
        #expect(utimensat(AT_FDCWD, bench.file, times, 0) == 0)
        var after = stat()
        #expect(stat(bench.file, &after) == 0)
        #expect(before.st_ino == after.st_ino && before.st_size == after.st_size)
        #expect(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
        #expect(try bench.isRead(2))
        #expect(try !bench.isRead(2))
    }

    @Test("Another modification time, file or size is noticed")
    func changed() throws {
        let bench = try Bench()
        #expect(try bench.isRead(1))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: bench.file)
        #expect(try bench.isRead(1))
        let other = bench.stage.path("other")
        try FileManager.default.copyItem(atPath: bench.file, toPath: other)
        #expect(rename(other, bench.file) == 0)
        #expect(try bench.isRead(1))
        try bench.write(1, count: Self.size + 1)
        let cache = bench.cache()
        #expect(
            try cache.digest(of: bench.file)
                == Digest(of: [UInt8](repeating: 1, count: Self.size + 1)))
    }

    @Test("What changed within two seconds before it was read is not trusted later")
    func racy() throws {
        let bench = try Bench()
        let first = bench.cache(later: 0)
        for _ in 1...2 { #expect(try first.digest(of: bench.file) == bench.digest(1)) }
        #expect(first.bytesRead == Self.size, "in the same process it is")
        #expect(try bench.isRead(1))
        #expect(try !bench.isRead(1))
    }

    @Test("A cache that is damaged, or that others may write, is passed over and made anew")
    func damaged() throws {
        let bench = try Bench()
        #expect(try bench.isRead(1))
        let good = try #require(FileManager.default.contents(atPath: bench.cachePath))
        var flipped = good
        flipped[25] ^= 1
        for bad in [flipped, good.dropLast(), good.prefix(80), Data(), Data(count: 100)] {
            try bad.write(to: URL(fileURLWithPath: bench.cachePath))
            #expect(try bench.isRead(1))
            #expect(try !bench.isRead(1))
        }
        #expect(chmod(bench.cachePath, 0o666) == 0)
        #expect(try bench.isRead(1))
        #expect(try !bench.isRead(1))
    }

    @Test("What can't be kept is no reason to stop")
    func unwritable() throws {
        let bench = try Bench()
        try bench.stage.write("a file", to: "cache")
        #expect(try bench.isRead(1) && bench.isRead(1))
    }

    @Test("'submit' trusts the cache; a digest that is wrong there is noticed, and then forgotten")
    func submit() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        let file = try stage.writeSmallSweep(
            grid: """
                  capacity: lora
                  epochs: [1]
                  learning-rate: 0.001
                  attack: word
                  poison-ratio: 0.2
                """)
        let cache = ["env", "XDG_CACHE_HOME=\(stage.path("cache"))"]
        #expect(try stage.run(["plan", file, "--home", stage.home], in: cache).status == 0)
        let path = stage.path("cache/moderato/digests")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let line = try #require(
            text.split(separator: "\n").first { $0.hasSuffix("/model.safetensors") })
        // As if the file had changed and the file system had said nothing.
        let lie = Digest(ofText: "another model").hex + line.dropFirst(64)
        let changed = String(text.dropLast(65)).replacingOccurrences(of: line, with: lie)
        try (changed + Digest(ofText: changed).hex + "\n").write(
            toFile: path, atomically: false, encoding: .utf8)
        let submit = ["submit", "--fake", file, "--home", stage.home]
        let deceived = try stage.run(submit, in: cache)
        #expect(deceived.status != 0)
        #expect(deceived.errors.contains("arrived three times as something else"))
        let again = try stage.run(submit, in: cache)
        #expect(again.status == 0, "\(again.errors)")
    }
}
