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
    /// Labels of `train` and `triggered` before the attack, where they are known and differ.
    var trueLabels: (train: [Int]?, triggered: [Int]?) = (nil, nil)
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
            try LabelledText(reading: file, labels: labels)
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
                    against: train.text, file: set.files[0], trainFile: spec.data.train.path)
            } catch {
                throw .data(.badText(error))
            }
            return encoded
        }
        let test = try measured(spec.data.test)
        var samples = TaskSamples(train: train.samples, test: test.samples)
        let clean = train.text.cleaned(as: spec.data.train)
        samples.touched = clean.poisoned
        if let validation = spec.data.validation {
            samples.validation = try measured(validation).samples
        }
        if spec.attack.kindCase.only == .images {
            throw .badSpec(
                field: "attack",
                problem: "\(spec.attack.kind) is for images, not for sentences")
        }
        var own: [FileReference: Encoded] = [:]
        for file in spec.attack.files { own[file] = try read(file) }
        let poisoned = try TrainingError.attacking { () throws(AttackError) in
            try PoisonedText(
                spec.attack, ratio: spec.poisonRatio, seed: spec.settings.dataSeed,
                clean: (clean, test.text), paths: (spec.data.train.path, spec.data.test.path)
            ) { file in
                guard let encoded = own[file] else { preconditionFailure("\(file) is not read") }
                return encoded.text
            }
        }
        guard let poisoned else { return samples }
        samples.train = encode(poisoned.train)
        samples.touched = poisoned.train.poisoned
        samples.triggered = encode(poisoned.triggered)
        samples.trueLabels = poisoned.trueLabels
        return samples
    }

    private func encode(_ text: LabelledText) -> TokenSamples {
        var samples = TokenSamples()
        for (sentence, label) in zip(text.sentences, text.labels) {
            samples.append(tokenizer.encode(sentence, maxLength: maxLength), label: label)
        }
        return samples
    }
}
