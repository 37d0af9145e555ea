import CSweepProto
import Foundation
import SweepCore
import Testing

@testable import SweepWire

/// Values that differ from a table's defaults in every field.
enum Other {
    static func value<Root>(_ field: Field<Root>, than root: Root) -> FieldValue {
        let old = field.get(root)
        switch field.kind {
        case .integer(let range):
            let new = max(range.lowerBound, min(range.upperBound, 7))
            return .integer(old == .integer(new) ? new + 1 : new)
        case .number(let bounds):
            let new = bounds.low + (min(bounds.high, 1) - bounds.low) * 0.37
            return .number(old == .number(new) ? new / 2 : new)
        case .seed: return .seed(.max)
        case .word(let words): return .text(words.first { old != .text($0) } ?? words[0])
        case .flag: return .flag(old != .flag(true))
        case .colour: return .integer(0x12_3456)
        case .text: return .text("other")
        case .words: return .words(["one", "zwei"])
        case .file: return .file(FileReference(path: "/other.tsv", digest: Digest(ofText: "o")))
        case .dataSet:
            return .dataSet(
                .sentences(FileReference(path: "/set.tsv", digest: Digest(ofText: "s"))))
        }
    }

    static func of<Root: FieldTable>(_ type: Root.Type) -> Root {
        var root = Root()
        for field in Root.fields { field.set(&root, value(field, than: Root())) }
        return root
    }

    /// Of each kind one.
    static func all<Whole: CaseTable>(_ type: Whole.Type) -> [Whole] {
        Whole.cases.map { kind in
            var value = kind.usual
            for field in kind.fields { field.set(&value, Other.value(field, than: kind.usual)) }
            return value
        }
    }

    static var settings: TrainingSettings {
        var settings = of(TrainingSettings.self)
        settings.optimizer = all(OptimizerSettings.self)[1]
        settings.schedule = all(Schedule.self)[2]
        return settings
    }

    static var metrics: EpochMetrics {
        var metrics = of(EpochMetrics.self)
        metrics.classes = [ClassResult(correct: 1, total: 3), ClassResult(correct: 4, total: 9)]
        return metrics
    }
}

@Suite("Tables of fields")
struct TableTests {
    private let file = FileReference(path: "/a.tsv", digest: Digest(ofText: "a"))

    private func sweep(_ change: (inout SweepSpec) -> Void) -> SweepSpec {
        var spec = SweepSpec(
            name: "other",
            backbone: BackboneReference(path: "/model", digest: Digest(ofText: "m")),
            data: TaskData(train: .sentences(file), test: .sentences(file), labels: 12),
            grid: Grid(
                capacities: [Capacity(pet: .full)], epochs: [3], learningRates: [0.25],
                attacks: [.none], poisonRatios: [0.125], seeds: [9]),
            settings: TrainingSettings(), trainingSamples: [file.digest: 5])
        change(&spec)
        return spec
    }

    private func sent(_ spec: SweepSpec) throws -> SweepSpec {
        let frame = Codec.encode(MessageToCoordinator.submit(spec))
        let message = try Codec.decode(frame, as: MessageToCoordinator.self)
        guard case .submit(let spec, _) = message else { throw WireError.rejected("\(message)") }
        return spec
    }

    @Test("Settings that differ from the defaults in every field arrive as they are")
    func settings() throws {
        for field in TrainingSettings.fields {
            #expect(field.get(Other.settings) != field.get(TrainingSettings()), "\(field.name)")
        }
        let spec = sweep { $0.settings = Other.settings }
        #expect(try sent(spec) == spec)
        for schedule in Other.all(Schedule.self) {
            for optimizer in Other.all(OptimizerSettings.self) {
                let spec = sweep {
                    $0.settings.schedule = schedule
                    $0.settings.optimizer = optimizer
                }
                #expect(try sent(spec) == spec)
            }
        }
    }

    @Test("So do all PETs, with a bottleneck where there can be one, and all attacks")
    func kinds() throws {
        let spec = sweep { spec in
            spec.grid.capacities = Other.all(PET.self).map {
                Capacity(
                    pet: $0, bottleneck: $0.allowsBottleneck ? Other.of(Bottleneck.self) : nil)
            }
            spec.grid.attacks = Other.all(Attack.self)
            var paired = PairedAttack(train: file, test: .paired(file))
            paired.target = 3
            spec.grid.attacks.append(.paired(paired))
        }
        #expect(try sent(spec) == spec)
    }

    @Test("Each setting is in the key of a point, but for those that change no result")
    func keys() throws {
        let base = try #require(
            Plan(Sample.sweep()).points.map(\.spec).first {
                $0.attack != .none && $0.poisonRatio > 0
            })
        let silent = TrainingSettings.fields.filter { field in
            var changed = base
            field.set(&changed.settings, Other.value(field, than: base.settings))
            return PointKey(of: changed) == PointKey(of: base)
        }
        #expect(silent.map(\.name) == [])
    }

    @Test("So do the figures of an epoch")
    func figures() throws {
        let report = Report(
            attempt: AttemptID(1), sequence: 1,
            event: .epoch(Other.metrics, trainableParameters: 2, seconds: 1))
        let message = MessageToCoordinator.report(report)
        #expect(try Codec.decode(Codec.encode(message)) == message)
    }

    @Test("Each field of a table is one of its message, and each of the message is in the table")
    func descriptors() {
        func names(_ message: UnsafePointer<ProtobufCMessageDescriptor>?) -> Set<String> {
            guard let message = message?.pointee else { return [] }
            return Set((0..<Int(message.n_fields)).map { String(cString: message.fields[$0].name) })
        }
        func part(
            _ name: String, of message: UnsafePointer<ProtobufCMessageDescriptor>?
        ) -> UnsafePointer<ProtobufCMessageDescriptor>? {
            protobuf_c_message_descriptor_get_field_by_name(message, name)?.pointee.descriptor?
                .assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
        }
        func check<Whole: CaseTable>(
            _ type: Whole.Type, _ message: UnsafePointer<ProtobufCMessageDescriptor>?,
            beside others: Set<String> = []
        ) {
            #expect(names(message) == Set(Whole.cases.map(\.name.snake)).union(others))
            for kind in Whole.cases {
                let fields = names(part(kind.name.snake, of: message))
                #expect(fields == Set(kind.fields.map(\.snakeName)), "\(kind.name)")
            }
        }
        var envelope = Moderato__Envelope()
        moderato__envelope__init(&envelope)
        let submit = part("submit", of: envelope.base.descriptor)
        let settings = part("settings", of: submit)
        check(PET.self, part("capacities", of: submit), beside: ["bottleneck"])
        #expect(
            names(part("bottleneck", of: part("capacities", of: submit)))
                == Set(Bottleneck.fields.map(\.snakeName)))
        check(Attack.self, part("attacks", of: submit))
        check(OptimizerSettings.self, part("optimizer", of: settings))
        check(Schedule.self, part("schedule", of: settings))
        #expect(
            names(settings)
                == Set(TrainingSettings.fields.map(\.snakeName)).union(["optimizer", "schedule"]))
        let metrics = part(
            "metrics", of: part("epoch", of: part("report", of: envelope.base.descriptor)))
        #expect(
            names(metrics)
                == Set(EpochMetrics.fields.map(\.snakeName))
                .union(["class_correct", "class_total"]))
    }

    @Test(
        "JSON reads back what it wrote; a missing field has its default, an unknown one is refused")
    func json() throws {
        func same<Value: Codable & Equatable>(_ value: Value) throws {
            let data = try JSONEncoder().encode(value)
            #expect(try JSONDecoder().decode(Value.self, from: data) == value)
        }
        try same(Other.settings)
        try same(Other.metrics)
        for pet in Other.all(PET.self) { try same(Capacity(pet: pet, bottleneck: nil)) }
        for attack in Other.all(Attack.self) { try same(attack) }
        func read<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
            try JSONDecoder().decode(type, from: Data(text.utf8))
        }
        #expect(try read(TrainingSettings.self, "{}") == TrainingSettings())
        #expect(
            try read(TrainingSettings.self, #"{"batch-size": 8, "optimizer": {"kind": "sgd"}}"#)
                == TrainingSettings(optimizer: .sgd(SGD()), batchSize: 8))
        #expect(try read(PET.self, #"{"kind": "lora", "rank": 2}"#) == .lora(LoRA(rank: 2)))
        #expect(
            try read(Attack.self, #"{"kind": "word"}"#) == .word(WordAttack()))
        for text in [
            #"{"kind": "lora", "rnak": 2}"#, #"{"kind": "lorra"}"#, #"{"rank": 2}"#,
            #"{"kind": "lora", "rank": 0}"#, #"{"kind": "lora", "rank": "2"}"#,
            #"{"kind": "last-blocks"}"#, #"{"kind": "full", "rank": 2}"#,
        ] {
            #expect(throws: DecodingError.self, "\(text)") { try read(PET.self, text) }
        }
    }
}
