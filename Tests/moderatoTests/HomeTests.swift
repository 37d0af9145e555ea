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

    @Test(
        "A home that belongs to another user, or has a store that does, is refused",
        .enabled(if: geteuid() == 0, "only root can give a folder to another user"))
    func foreign() throws {
        for place in ["", "/store.sqlite"] {
            let stage = try Stage()
            try FileManager.default.createDirectory(
                atPath: stage.home, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            if !place.isEmpty {
                #expect(
                    FileManager.default.createFile(atPath: stage.home + place, contents: Data()))
            }
            let before = try FileManager.default.contentsOfDirectory(atPath: stage.home)
            #expect(chown(stage.home + place, 12_345, 12_345) == 0)
            let ended = try stage.run(
                ["coordinator", "--home", stage.home, "--until-input-ends"])
            #expect(ended.status == 69, "\(ended)")
            #expect(ended.errors.contains("\(stage.home + place)"), "\(ended.errors)")
            #expect(ended.errors.contains("belongs to another user"), "\(ended.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: stage.home) == before)
        }
    }
}
