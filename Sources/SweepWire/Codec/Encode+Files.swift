import CSweepProto
import SweepCore

extension Arena {
    func fill(_ envelope: inout Moderato__Envelope, with request: FileRequest) {
        switch request {
        case .upload(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_UPLOAD
            envelope.upload = make(moderato__upload__init) {
                $0.digest = binary(value.digest)
                $0.size = UInt64(value.size)
            }
        case .chunk(let value): fillChunk(&envelope, value)
        case .fetch(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_FETCH
            envelope.fetch = make(moderato__fetch__init) {
                $0.digest = binary(value.digest)
                $0.offset = UInt64(value.offset)
            }
        case .look(let values):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_ASK_FILES
            envelope.ask_files = digests(values)
        }
    }

    func fill(_ envelope: inout Moderato__Envelope, with answer: FileAnswer) {
        switch answer {
        case .progress(let value):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_UPLOAD_PROGRESS
            envelope.upload_progress = make(moderato__upload_progress__init) {
                $0.digest = binary(value.digest)
                $0.received = UInt64(value.received)
                $0.state = string(value.state.rawValue)
            }
        case .chunk(let value): fillChunk(&envelope, value)
        case .missing(let digest):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_MISSING
            envelope.missing = make(moderato__missing__init) { $0.digest = binary(digest) }
        case .lacking(let values):
            envelope.message_case = MODERATO__ENVELOPE__MESSAGE_LACKING
            envelope.lacking = digests(values)
        }
    }

    private func fillChunk(_ envelope: inout Moderato__Envelope, _ value: Chunk) {
        envelope.message_case = MODERATO__ENVELOPE__MESSAGE_CHUNK
        envelope.chunk = make(moderato__chunk__init) {
            $0.digest = binary(value.digest)
            $0.offset = UInt64(value.offset)
            $0.total = UInt64(value.total)
            $0.content = ProtobufCBinaryData(
                len: value.bytes.count, data: array(value.bytes))
        }
    }

    private func digests(_ values: [Digest]) -> UnsafeMutablePointer<Moderato__Digests> {
        make(moderato__digests__init) {
            $0.n_digests = values.count
            $0.digests = array(values.map(binary))
        }
    }

    func artifacts(_ value: ArtifactsSlice) -> UnsafeMutablePointer<Moderato__Artifacts> {
        make(moderato__artifacts__init) {
            $0.last_run = value.lastRun.number
            $0.goes_on = value.goesOn ? 1 : 0
            $0.n_items = value.items.count
            $0.items = pointers(value.items.map(keptArtifact))
        }
    }

    private func keptArtifact(
        _ value: KeptArtifact
    ) -> UnsafeMutablePointer<Moderato__KeptArtifact> {
        make(moderato__kept_artifact__init) {
            $0.run = value.run.number
            $0.spec = trainingSpec(value.spec)
            $0.artifact = artifact(value.artifact)
        }
    }

    func artifact(_ value: Artifact) -> UnsafeMutablePointer<Moderato__Artifact> {
        make(moderato__artifact__init) {
            $0.kind = string(value.kind.rawValue)
            $0.epoch = UInt32(value.epoch)
            $0.file = file(value.file.path, value.file.digest)
            $0.size = UInt64(value.size)
            $0.has_steps = 1
            $0.steps = UInt64(value.steps)
        }
    }
}
