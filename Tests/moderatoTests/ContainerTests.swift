import Foundation
import Testing

@Suite("Containers")
struct ContainerTests {
    private static let folder = Stage.checkout.appendingPathComponent("cluster/containers").path

    @Test(
        "The image of the head is built, and its program runs as nobody in particular",
        .enabled(if: geteuid() == 0, "building containers takes root here"))
    func head() throws {
        let stage = try Stage()
        try stage.needTool("buildah", for: "containers")
        let bundle = stage.path("bundle")
        let made = try stage.run(["cluster", "bundle", bundle, "--no-trainer"])
        #expect(made.status == 0, "\(made.errors)")
        try makeBase(stage)
        let script = """
            set -e; cd "$1"
            build() { buildah --root "$PWD/images" --runroot "$PWD/run" --storage-driver vfs "$@"; }
            build bud --isolation chroot -t localhost/base base
            build bud --isolation chroot --build-arg BASE=localhost/base -f "$2" \
                -t localhost/head bundle
            container=$(build from localhost/head)
            echo "version $(build run --isolation chroot "$container" -- moderato --version)"
            echo "user $(build inspect --format '{{.OCIv1.Config.User}}' "$container")"
            build rm --all >/dev/null
            """
        let built = try stage.call(
            ["sh", "-c", script, "sh", stage.folder.path, Self.folder + "/Containerfile.head"])
        #expect(built.status == 0, "\(built.output)")
        let version = try stage.run(["--version"]).output
        #expect(built.output.contains("version \(version)"))
        #expect(built.output.contains("user 10001:10001"))
    }

    /// A system of a shell and a few programs of this one, as there may be no registry.
    private func makeBase(_ stage: Stage) throws {
        let script = """
            set -e; cd "$1"; mkdir -p base/system/tmp base/system/var/lib base/system/etc; cd base
            for name in sh mkdir chown; do
                program=$(readlink -f "$(command -v $name)")
                cp --parents "$program" $(ldd "$program" | grep -o '/[^ ]*') system
                mkdir -p system/bin; ln -s "$program" system/bin/$name
            done
            for name in libm.so.6 libresolv.so.2 librt.so.1 libdl.so.2 libpthread.so.0 \
                libstdc++.so.6 libgcc_s.so.1; do
                cp --parents "$(ldconfig -p | grep -o "/.*/$name" | head -n 1)" system
            done
            printf 'FROM scratch\\nADD system /\\nENV PATH=/bin\\n' >Containerfile
            """
        let made = try stage.call(["bash", "-c", script, "bash", stage.folder.path])
        try #require(made.status == 0, "\(made.output)")
    }

    @Test("Both images are pinned, and do not run as root", arguments: ["head", "worker"])
    func pinned(name: String) throws {
        let text = try String(
            contentsOfFile: "\(Self.folder)/Containerfile.\(name)", encoding: .utf8)
        let base = try #require(text.split(separator: "\n").first { $0.hasPrefix("ARG BASE=") })
        // A release by its day, or a digest; not what is newest.
        #expect(base.contains(try Regex("-[0-9]{8}-slim$|@sha256:[0-9a-f]{64}$")), "\(base)")
        #expect(text.split(separator: "\n").contains("USER 10001:10001"))
        let setup = try String(
            contentsOf: Stage.checkout.appendingPathComponent("cluster/setup"), encoding: .utf8)
        let version = try #require(
            setup.split(separator: "\n").first { $0.contains("readonly torch_version=") }?
                .split(separator: "=").last)
        #expect(text.contains("torch==\(version)") == (name == "worker"))
    }
}
