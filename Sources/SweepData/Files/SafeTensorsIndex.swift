/// `model.safetensors.index.json`: which file of a sharded model has which weight.
package struct SafeTensorsIndex: Sendable {
    package static let name = "model.safetensors.index.json"

    package let folder: String
    /// The shard of each weight, a file in the same folder.
    let shards: [String: String]

    var path: String { folder + "/" + Self.name }

    /// The shards, sorted.
    package var fileNames: [String] { Set(shards.values).sorted() }

    package init(parsing content: [UInt8], folder: String) throws(DataError) {
        self.folder = folder
        let path = folder + "/" + Self.name
        func bad(_ problem: String) -> DataError {
            .badModelFile(path: path, problem: problem)
        }
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: content) } catch {
            throw bad("it is not JSON: \(error)")
        }
        guard let members = json["weight_map"]?.object, !members.isEmpty else {
            throw bad("it has no 'weight_map'")
        }
        var shards: [String: String] = [:]
        for member in members {
            guard let shard = member.value.string, Self.isPlain(shard) else {
                throw bad(
                    "the weight '\(member.key.prefix(200))' is in no file of the same folder")
            }
            shards[member.key] = shard
        }
        self.shards = shards
    }

    /// A name that cannot lead out of the folder.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 255 && name != "." && name != ".."
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }
}
