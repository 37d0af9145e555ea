import SweepCore

/// The files of a pretrained model, read and checked against its digest.
package struct ModelFolder {
    package let path: String
    private let contents: [String: [UInt8]]

    package init(_ reference: BackboneReference) throws(DataError) {
        path = reference.path
        var contents: [String: [UInt8]] = [:]
        let names = try FileContent.names(in: path)
        for name in BackboneReference.relevantFiles(among: names) {
            contents[name] = try FileContent.read(path + "/" + name)
        }
        let found = BackboneReference.digest(
            ofFiles: contents.mapValues(FileContent.digest(of:)))
        guard found == reference.digest else {
            throw .wrongDigest(path: path, expected: reference.digest, found: found)
        }
        self.contents = contents
    }

    /// Empty if there is no such file.
    package func content(_ name: String) -> [UInt8] { contents[name] ?? [] }

    package func weights() throws(DataError) -> SafeTensors {
        let name = BackboneReference.weightsName
        guard let content = contents[name] else {
            throw .unreadable(path: path + "/" + name, reason: "there is no such file")
        }
        return try SafeTensors(parsing: content, path: path + "/" + name)
    }

    package func tokenizer() throws(DataError) -> any Tokenizer {
        try TokenizerFiles(folder: path, contents: contents).tokenizer()
    }
}
