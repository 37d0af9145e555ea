import SweepCore
import SweepData

/// Writes the trained model of a checkpoint in a form that other programs load.
public struct ModelExport {
    public enum Form: String, CaseIterable, Sendable {
        /// A folder for `AutoModelForSequenceClassification.from_pretrained`, all changes merged
        /// into the weights; of a VGG, its weights and head as torchvision names them.
        case transformers
        /// A folder for `PeftModel.from_pretrained`, of LoRA and (IA)³; the backbone stays where
        /// it is.
        case peft
        /// What was trained, by our own names, in one safetensors file.
        case parameters
    }

    private let checkpoint: Checkpoint
    private let folder: ModelFolder
    private let model: any Model
    private let trainable: TrainableParameters

    /// Reads the backbone that the checkpoint's training began with.
    public init(_ checkpoint: Checkpoint) throws(TrainingError) {
        let spec = checkpoint.spec
        self.checkpoint = checkpoint
        try Torch.prepare(threads: 1, device: .processor)
        folder = try TrainingError.reading { () throws(DataError) in
            try ModelFolder(spec.backbone)
        }
        // float32 also for trainings in bfloat16: what was trained is float32.
        switch try TrainingCache().pretrained(
            spec.backbone, device: .processor, precision: .float32)
        {
        case .text(let backbone):
            model = try TextModel(
                backbone: backbone.weights, capacity: spec.capacity, classes: spec.data.labels)
        case .vision(let backbone):
            model = try VisionModel(
                backbone: backbone, capacity: spec.capacity, classes: spec.data.labels)
        }
        trainable = TrainableParameters(
            groups: model.groups, bottleneck: spec.capacity.bottleneck)
        guard trainable.count == checkpoint.parameters.count else {
            throw .badSpec(
                field: "checkpoint",
                problem: "it has \(checkpoint.parameters.count) parameters, not "
                    + "\(trainable.count)")
        }
    }

    /// Writes the files into `path`, which is made if need be.
    public func write(_ form: Form, to path: String) throws(TrainingError) {
        let tensors = try Torch.withoutRecording { () throws(TrainingError) in
            try trainable.tensors(
                of: .floats(
                    checkpoint.parameters, shape: [1, checkpoint.parameters.count],
                    device: .processor))
        }
        let files: [(name: String, content: [UInt8])]
        switch form {
        case .transformers:
            if let vision = model as? VisionModel {
                files = try merged(tensors, vision)
            } else {
                files = try merged(tensors, textModel())
            }
        case .peft: files = try adapter(tensors, textModel())
        case .parameters: files = [("parameters.safetensors", try named(tensors))]
        }
        try TrainingError.reading { () throws(DataError) in
            try FileContent.makeFolder(path)
            for (name, content) in files {
                try FileContent.write(content, to: "\(path)/\(name)")
            }
        }
    }

    private func textModel() throws(TrainingError) -> TextModel {
        guard let model = model as? TextModel else {
            throw .badSpec(
                field: "model",
                problem: "this form is for sentences, and it is a VGG; leave --form out, or use "
                    + "--form parameters")
        }
        return model
    }

    // MARK: Merged weights

    private func merged(
        _ tensors: [[Tensor]], _ model: VisionModel
    ) throws(TrainingError) -> [(name: String, content: [UInt8])] {
        let tuned = try Torch.withoutRecording { () throws(TrainingError) in
            try model.tunedVision(tensors)
        }
        return [
            ("model.safetensors", try tuned.content()),
            ("config.json", tuned.configuration.content),
        ]
    }

    private func merged(
        _ tensors: [[Tensor]], _ model: TextModel
    ) throws(TrainingError) -> [(name: String, content: [UInt8])] {
        let tuned = try Torch.withoutRecording { () throws(TrainingError) in
            try model.tunedText(tensors)
        }
        guard tuned.layers.allSatisfy({ $0.afterAttention == nil && $0.prefix == nil }) else {
            throw .badSpec(
                field: "capacity",
                problem: "transformers has no place for \(checkpoint.spec.capacity.pet.label); "
                    + "export it with --form parameters")
        }
        let weights = try Torch.withoutRecording { () throws(TrainingError) in
            try MergedWeights(tuned.mergingScales(), of: folder, backbone: model.backbone).content()
        }
        var files = [("model.safetensors", weights), ("config.json", try configuration(model))]
        try TrainingError.reading { () throws(DataError) in
            for name in try FileContent.names(in: folder.path)
            where Self.tokenizerNames.contains(name) {
                files.append((name, try FileContent.read("\(folder.path)/\(name)")))
            }
        }
        return files
    }

    private static let tokenizerNames: Set = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt",
        "vocab.json", "merges.txt",
    ]

    /// The backbone's own `config.json`, as that of a classifier.
    private func configuration(_ model: TextModel) throws(TrainingError) -> [UInt8] {
        let file = try TrainingError.reading { () throws(DataError) in try folder.configuration() }
        let data = checkpoint.spec.data
        let labels = (0..<data.labels).map { label in
            ("\(label)", data.labelNames.isEmpty ? "LABEL_\(label)" : data.labelNames[label])
        }
        let own: [(String, JSON)] = [
            ("architectures", .array([.string(model.backbone.configuration.family.classifier)])),
            ("id2label", .object(labels.map { .init(key: $0.0, value: .string($0.1)) })),
            (
                "label2id",
                .object(labels.enumerated().map { .init(key: $1.1, value: .integer($0)) })
            ),
            ("problem_type", .string("single_label_classification")),
            ("dtype", .string("float32")),
        ]
        return file.content(with: own, without: ["torch_dtype", "num_labels"])
    }

    // MARK: What the PET adds, and the head

    private func adapter(
        _ tensors: [[Tensor]], _ model: TextModel
    ) throws(TrainingError) -> [(name: String, content: [UInt8])] {
        let family = model.backbone.configuration.family
        let tuned = try model.tunedText(tensors)
        let own: (tensors: [(name: String, tensor: Tensor)], configuration: [(String, JSON)])
        switch checkpoint.spec.capacity.pet {
        case .lora(let lora): own = lora.adapter(of: tuned, family)
        case .ia3: own = try IA3Tuning.adapter(of: tuned, family)
        default:
            throw .badSpec(
                field: "capacity",
                problem: "PEFT's form is for LoRA and (IA)³, not for "
                    + "\(checkpoint.spec.capacity.pet.label); leave --form out, or use "
                    + "--form parameters")
        }
        var writer = SafeTensorsWriter(metadata: ["format": "pt"])
        for (name, tensor) in own.tensors + tuned.head.named {
            writer.add(
                "base_model.model." + name, shape: Array(tensor.shape.dropFirst()),
                floats: try tensor.floats())
        }
        let common: [(String, JSON)] = [
            ("task_type", .string("SEQ_CLS")),
            ("base_model_name_or_path", .string(folder.path)), ("inference_mode", .bool(true)),
            ("modules_to_save", .array([.string("classifier")])),
        ]
        let json = JSON.object((own.configuration + common).map { .init(key: $0.0, value: $0.1) })
        return [
            ("adapter_model.safetensors", writer.content()),
            ("adapter_config.json", Array((json.text + "\n").utf8)),
        ]
    }

    // MARK: By our own names

    private func named(_ tensors: [[Tensor]]) throws(TrainingError) -> [UInt8] {
        var writer = SafeTensorsWriter(metadata: [
            "capacity": checkpoint.spec.capacity.label, "epochs": "\(checkpoint.epochs)",
        ])
        for (group, parts) in zip(model.groups, tensors) {
            for (slot, tensor) in zip(group.layout.slots, parts) {
                writer.add(slot.name, shape: slot.shape, floats: try tensor.floats())
            }
        }
        return writer.content()
    }
}

extension LoRA {
    /// What PEFT's form has of it beside the head: tensors with a leading dimension of runs.
    fileprivate func adapter(
        of tuned: TunedTextModel, _ family: EncoderFamily
    ) -> (tensors: [(name: String, tensor: Tensor)], configuration: [(String, JSON)]) {
        var tensors: [(name: String, tensor: Tensor)] = []
        for (index, layer) in tuned.layers.enumerated() {
            guard let lora = layer.lora else { continue }
            let names = LayerNames(family: family, layer: index).queryKeyValue
                .map { "\(family.rawValue).\($0)." }
            tensors += [
                (names[0] + "lora_A.weight", lora.queryA),
                (names[0] + "lora_B.weight", lora.queryB),
                (names[2] + "lora_A.weight", lora.valueA),
                (names[2] + "lora_B.weight", lora.valueB),
            ]
        }
        let query = LayerNames(family: family, layer: 0).queryKeyValue
        func last(_ name: String) -> JSON {
            .string(String(name.split(separator: ".").last ?? ""))
        }
        return (
            tensors,
            [
                ("peft_type", .string("LORA")), ("r", .integer(rank)),
                ("lora_alpha", .number(alpha)), ("lora_dropout", .number(0)),
                ("bias", .string("none")),
                ("target_modules", .array([last(query[0]), last(query[2])])),
            ]
        )
    }
}

extension Head {
    /// What is trained of it, by the names in files.
    var named: [(name: String, tensor: Tensor)] {
        guard let dense else {
            return [("classifier.weight", output.weight), ("classifier.bias", output.bias)]
        }
        return [
            ("classifier.dense.weight", dense.weight), ("classifier.dense.bias", dense.bias),
            ("classifier.out_proj.weight", output.weight),
            ("classifier.out_proj.bias", output.bias),
        ]
    }
}

extension EncoderFamily {
    /// What transformers calls a model of this family with a head.
    fileprivate var classifier: String {
        switch self {
        case .bert: "BertForSequenceClassification"
        case .roberta: "RobertaForSequenceClassification"
        case .mpnet: "MPNetForSequenceClassification"
        }
    }
}
