extension Capacity {
    /// What is wrong with it; `nil`: nothing.
    public var problem: String? {
        if let problem = pet.problem { return problem }
        guard let bottleneck else { return nil }
        return pet.allowsBottleneck
            ? bottleneck.problem : "bottleneck: what \(pet.label) trains is not generated"
    }
}

extension Attack {
    /// What is wrong with it, for a task with so many labels; `nil`: nothing.
    public func problem(labels: Int) -> String? { problem ?? targetProblem(labels: labels) }

    /// The same, where each field has been checked.
    public func targetProblem(labels: Int) -> String? {
        guard let target, target >= labels else { return nil }
        return "target is \(target), and has to be one of 0 to \(labels - 1)"
    }
}

extension TrainingSpec {
    /// The first value that no training can have, in words; `nil`: there is none.
    public var problem: String? {
        func number(_ name: String, _ kind: FieldKind, _ value: FieldValue) -> String? {
            kind.problem(value).map { "\(name) \($0)" }
        }
        return number("labels", .integer(2...TaskData.mostLabels), .integer(data.labels))
            ?? number("epochs", .integer(1...Schedule.mostEpochs), .integer(epochs))
            ?? number("learning-rate", .number(.learningRate), .number(learningRate))
            ?? number("poison-ratio", .number(.share), .number(poisonRatio))
            ?? capacity.problem ?? settings.problem ?? attack.problem(labels: data.labels)
    }
}
