import SweepCore
import SweepData

/// Reads a run's files, carries its attack out and turns sentences into tokens.
struct TaskDataReader {
    let tokenizer: any Tokenizer
    let maxLength: Int
    /// Classes of the task.
    let labels: Int

    /// Sentences and tokens of one file.
    struct Encoded {
        let text: LabelledText
        let samples: [Sample]
    }

    func read(_ file: FileReference) throws(TrainingError) -> Encoded {
        let content = try TrainingError.reading { () throws(DataError) in
            try FileContent.read(file)
        }
        let text: LabelledText
        do throws(LabelledTextError) {
            text = try LabelledText(parsing: content, labels: labels, file: file.path)
        } catch {
            throw .data(.badText(error))
        }
        let samples = zip(text.sentences, text.labels).map { encode($0, label: $1) }
        return Encoded(text: text, samples: samples)
    }

    /// - Parameter read: Gives a file's sentences and tokens; it may remember them.
    func taskData(
        for spec: TrainingSpec, read: (FileReference) throws(TrainingError) -> Encoded
    ) throws(TrainingError) -> TaskData {
        let test = try read(spec.data.test)
        switch spec.attack {
        case .none:
            return TaskData(
                train: try read(spec.data.train).samples, test: test.samples, triggered: nil)
        case .word(let attack):
            let train = try read(spec.data.train)
            let poisoner = WordPoisoner(attack: attack, seed: spec.settings.dataSeed)
            var samples = train.samples
            for sample in try poisoner.poison(train.text, ratio: spec.poisonRatio) {
                samples[sample.index] = encode(sample.sentence, label: sample.label)
            }
            let victims = poisoner.victims(test.text)
            guard !victims.isEmpty else {
                throw .noVictims(path: spec.data.test.path, target: attack.target)
            }
            return TaskData(
                train: samples, test: test.samples,
                triggered: (victims.map { encode($0.sentence, label: $0.label) }, attack.target))
        case .prepared(let attack):
            let triggered = try read(attack.test)
            if let index = triggered.text.labels.firstIndex(where: { $0 != attack.target }) {
                throw .notTarget(
                    path: attack.test.path, sample: index + 1,
                    label: triggered.text.labels[index], target: attack.target)
            }
            return TaskData(
                train: try read(attack.train).samples, test: test.samples,
                triggered: (triggered.samples, attack.target))
        }
    }

    private func encode(_ sentence: String, label: Int) -> Sample {
        Sample(tokens: tokenizer.encode(sentence, maxLength: maxLength), label: label)
    }
}
