import SweepCore
import SweepData

/// What a run trains and is tested on.
struct TaskSamples {
    var train: any SampleSet
    /// Which training samples the attacker touched; `nil` when that is not known, or nobody did.
    var touched: [Bool]?
    /// The clean test set.
    var test: any SampleSet
    var validation: (any SampleSet)?
    /// Triggered test samples that were not of the target class, labelled with it; `nil` without an
    /// attack.
    var triggered: (any SampleSet)?
}

/// Reads sentences and carries a run's attack out on them.
struct SentenceReader {
    let tokenizer: any Tokenizer
    let maxLength: Int
    /// Classes of the task.
    let labels: Int

    /// Sentences and tokens of one file.
    struct Encoded {
        let text: LabelledText
        let samples: TokenSamples
    }

    func read(_ file: FileReference) throws(TrainingError) -> Encoded {
        let text = try TrainingError.reading { () throws(DataError) in
            let content = try FileContent.read(file)
            do throws(LabelledTextError) {
                return try LabelledText(parsing: content, labels: labels, file: file.path)
            } catch {
                throw .badText(error)
            }
        }
        return Encoded(text: text, samples: encode(text))
    }

    /// - Parameter read: Gives a file's sentences and tokens; it may remember them.
    func samples(
        for spec: TrainingSpec, read: (FileReference) throws(TrainingError) -> Encoded
    ) throws(TrainingError) -> TaskSamples {
        func sentences(_ set: DataSet) throws(TrainingError) -> Encoded {
            guard case .sentences(let file) = set else {
                throw .badSpec(
                    field: "model", problem: "it reads sentences, but \(set.path) holds images")
            }
            return try read(file)
        }
        let train = try sentences(spec.data.train)
        func measured(_ set: DataSet) throws(TrainingError) -> Encoded {
            let encoded = try sentences(set)
            do throws(LabelledTextError) {
                try encoded.text.checkLabels(
                    against: train.text, file: set.path, trainFile: spec.data.train.path)
            } catch {
                throw .data(.badText(error))
            }
            return encoded
        }
        let test = try measured(spec.data.test)
        var samples = TaskSamples(train: train.samples, test: test.samples)
        if let validation = spec.data.validation {
            samples.validation = try measured(validation).samples
        }
        switch spec.attack {
        case .none: break
        case .patch:
            throw .badSpec(field: "attack", problem: "a patch is for images, not for sentences")
        case .prepared(let attack):
            let poisoned = try sentences(attack.train)
            samples.train = poisoned.samples
            samples.touched = poisoned.text.differences(from: train.text)
            samples.triggered = try triggered(
                try sentences(attack.test), path: attack.test.path, target: attack.target)
        case .word, .sentence, .paired:
            try poison(&samples, spec, train: train.text, test: test.text, read: read)
        }
        return samples
    }

    private func poison(
        _ samples: inout TaskSamples, _ spec: TrainingSpec, train: LabelledText,
        test: LabelledText, read: (FileReference) throws(TrainingError) -> Encoded
    ) throws(TrainingError) {
        var pairs: (train: [String], test: [String]) = ([], [])
        var triggeredFile: Encoded?
        if case .paired(let paired) = spec.attack {
            func pair(
                _ file: FileReference, with clean: LabelledText, _ set: DataSet
            ) throws(TrainingError) -> [String] {
                let text = try read(file).text
                try TrainingError.attacking { () throws(AttackError) in
                    try text.checkPairs(
                        with: clean, path: file.path, cleanPath: set.path, ignoresLabels: true)
                }
                return text.sentences
            }
            pairs.train = try pair(paired.train, with: train, spec.data.train)
            switch paired.test {
            case .paired(let file): pairs.test = try pair(file, with: test, spec.data.test)
            case .triggered(let file): triggeredFile = try read(file)
            }
        }
        guard
            let attacker = TextAttacker(spec.attack, seed: spec.settings.dataSeed, pairs: pairs)
        else { preconditionFailure("\(spec.attack.kind) puts no trigger into sentences") }
        let target = attacker.selection.target
        let poisoned = try TrainingError.attacking { () throws(AttackError) in
            train.replacing(
                try attacker.poison(train, ratio: spec.poisonRatio), target: target)
        }
        samples.train = encode(poisoned.text)
        samples.touched = poisoned.touched
        if let triggeredFile {
            let path = spec.attack.details
            samples.triggered = try triggered(triggeredFile, path: path, target: target)
            return
        }
        let victims = attacker.victims(test)
        guard !victims.isEmpty else {
            throw .attack(.noVictims(path: spec.data.test.path, target: target))
        }
        samples.triggered = encode(
            LabelledText(
                sentences: victims.map(\.sentence), labels: victims.map { _ in target }))
    }

    private func triggered(
        _ file: Encoded, path: String, target: Int
    ) throws(TrainingError) -> TokenSamples {
        if let index = file.text.labels.firstIndex(where: { $0 != target }) {
            throw .attack(
                .notTarget(
                    path: path, sample: index + 1, label: file.text.labels[index], target: target))
        }
        return file.samples
    }

    private func encode(_ text: LabelledText) -> TokenSamples {
        var samples = TokenSamples()
        for (sentence, label) in zip(text.sentences, text.labels) {
            samples.append(tokenizer.encode(sentence, maxLength: maxLength), label: label)
        }
        return samples
    }
}
