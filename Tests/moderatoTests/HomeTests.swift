import Foundation
import Testing

@Suite("The coordinator's home")
struct HomeTests {
    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test("A home that others could read is tightened, with a word")
    func tightened() async throws {
        let stage = try Stage()
        for folder in ["", "/artifacts"] {
            try FileManager.default.createDirectory(
                atPath: stage.home + folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755])
        }
        #expect(
            FileManager.default.createFile(
                atPath: stage.home + "/store.sqlite", contents: Data(),
                attributes: [.posixPermissions: 0o644]))
        _ = try await stage.startCoordinator()
        for path in ["", "/artifacts"] { #expect(try mode(stage.home + path) == 0o700) }
        for name in try FileManager.default.contentsOfDirectory(atPath: stage.home) {
            #expect(try mode(stage.home + "/" + name) & 0o077 == 0, "\(name)")
        }
        let log = stage.text(of: "coordinator")
        #expect(log.contains("\(stage.home): others could read it"))
        #expect(log.contains("store.sqlite: others could read it"))
    }

    @Test("What a coordinator makes in its home is its owner's alone")
    func fresh() async throws {
        let stage = try Stage()
        _ = try await stage.startCoordinator()
        for name in try FileManager.default.contentsOfDirectory(atPath: stage.home) {
            #expect(try mode(stage.home + "/" + name) & 0o077 == 0, "\(name)")
        }
        #expect(!stage.text(of: "coordinator").contains("others could read it"))
    }
}
