import CSweepProto
import SweepCore

extension Arena {
    func trainingSpec(_ value: TrainingSpec) -> UnsafeMutablePointer<Moderato__TrainingSpec> {
        make(moderato__training_spec__init) {
            $0.backbone = file(value.backbone.path, value.backbone.digest)
            $0.data = taskData(value.data)
            $0.capacity = capacity(value.capacity)
            $0.attack = attack(value.attack)
            $0.poison_ratio = value.poisonRatio
            $0.epochs = UInt32(value.epochs)
            $0.learning_rate = value.learningRate
            $0.seed = value.seed
            $0.settings = settings(value.settings)
            $0.trainer = trainerKind(value.trainer)
        }
    }

    func sweepSpec(_ value: SweepSpec) -> UnsafeMutablePointer<Moderato__SweepSpec> {
        make(moderato__sweep_spec__init) {
            let grid = value.grid
            let samples = value.trainingSamples.sorted { $0.key < $1.key }
            $0.name = string(value.name)
            $0.backbone = file(value.backbone.path, value.backbone.digest)
            $0.data = taskData(value.data)
            $0.n_capacities = grid.capacities.count
            $0.capacities = pointers(grid.capacities.map(capacity))
            $0.n_epochs = grid.epochs.count
            $0.epochs = array(grid.epochs.map { UInt32($0) })
            $0.n_learning_rates = grid.learningRates.count
            $0.learning_rates = array(grid.learningRates)
            $0.n_attacks = grid.attacks.count
            $0.attacks = pointers(grid.attacks.map(attack))
            $0.n_poison_ratios = grid.poisonRatios.count
            $0.poison_ratios = array(grid.poisonRatios)
            $0.n_seeds = grid.seeds.count
            $0.seeds = array(grid.seeds)
            $0.settings = settings(value.settings)
            $0.keep = keepsakes(value.keep)
            $0.trainer = trainerKind(value.trainer)
            $0.n_needs = value.needs.count
            $0.needs = pointers(value.needs.map(string))
            $0.n_training_samples = samples.count
            $0.training_samples = pointers(
                samples.map { digest, count in
                    make(moderato__sample_count__init) {
                        $0.digest = binary(digest)
                        $0.samples = UInt64(count)
                    }
                })
        }
    }

    func binary(_ digest: Digest) -> ProtobufCBinaryData {
        ProtobufCBinaryData(len: 32, data: array(digest.bytes))
    }

    func file(_ path: String, _ digest: Digest) -> UnsafeMutablePointer<Moderato__File> {
        make(moderato__file__init) {
            $0.path = string(path)
            $0.digest = binary(digest)
        }
    }

    func file(_ value: FileReference) -> UnsafeMutablePointer<Moderato__File> {
        let message = file(value.path, value.digest)
        message.pointee.layout = value.layout.map(textLayout)
        return message
    }

    private func textLayout(_ value: TextLayout) -> UnsafeMutablePointer<Moderato__TextLayout> {
        make(moderato__text_layout__init) {
            $0.format = string(value.format.rawValue)
            $0.has_gzip = 1
            $0.gzip = value.isGzip ? 1 : 0
            $0.has_header = 1
            $0.header = value.hasHeader ? 1 : 0
            $0.text = column(value.text)
            $0.label = column(value.label)
            $0.touched = value.touched.map(column)
            $0.n_labels = value.labels.count
            $0.labels = pointers(value.labels.map(string))
        }
    }

    private func column(
        _ value: TextLayout.Column
    ) -> UnsafeMutablePointer<Moderato__TextColumn> {
        make(moderato__text_column__init) {
            switch value {
            case .place(let place):
                $0.column_case = MODERATO__TEXT_COLUMN__COLUMN_PLACE
                $0.place = UInt32(place)
            case .key(let key):
                $0.column_case = MODERATO__TEXT_COLUMN__COLUMN_KEY
                $0.key = string(key)
            }
        }
    }

    func dataSet(_ value: DataSet) -> UnsafeMutablePointer<Moderato__DataSet> {
        make(moderato__data_set__init) {
            switch value {
            case .sentences(let sentences):
                $0.format_case = MODERATO__DATA_SET__FORMAT_SENTENCES
                $0.sentences = file(sentences)
            case .cifar10(let batches):
                $0.format_case = MODERATO__DATA_SET__FORMAT_CIFAR10
                $0.cifar10 = make(moderato__files__init) {
                    $0.n_files = batches.count
                    $0.files = pointers(batches.map(file))
                }
            case .idx(let images, let labels):
                $0.format_case = MODERATO__DATA_SET__FORMAT_IDX
                $0.idx = make(moderato__idx_files__init) {
                    $0.images = file(images)
                    $0.labels = file(labels)
                }
            }
        }
    }

    private func taskData(_ value: TaskData) -> UnsafeMutablePointer<Moderato__TaskData> {
        make(moderato__task_data__init) {
            $0.train = dataSet(value.train)
            $0.test = dataSet(value.test)
            $0.validation = value.validation.map(dataSet)
            $0.labels = UInt32(value.labels)
            $0.n_label_names = value.labelNames.count
            $0.label_names = pointers(value.labelNames.map(string))
        }
    }

    private func capacity(_ value: Capacity) -> UnsafeMutablePointer<Moderato__Capacity> {
        let message = make(moderato__capacity__init)
        fill(message, Layouts.pet, value.pet)
        message.pointee.bottleneck = value.bottleneck.map {
            let part = make(moderato__bottleneck__init)
            fill(part, Layouts.bottleneck, $0)
            return part
        }
        return message
    }

    private func attack(_ value: Attack) -> UnsafeMutablePointer<Moderato__Attack> {
        let message = make(moderato__attack__init)
        fill(message, Layouts.attack, value)
        return message
    }

    private func settings(
        _ value: TrainingSettings
    ) -> UnsafeMutablePointer<Moderato__TrainingSettings> {
        let message = make(moderato__training_settings__init)
        fill(message, Layouts.settings, value)
        let optimizer = make(moderato__optimizer__init)
        fill(optimizer, Layouts.optimizer, value.optimizer)
        message.pointee.optimizer = optimizer
        let schedule = make(moderato__schedule__init)
        fill(schedule, Layouts.schedule, value.schedule)
        message.pointee.schedule = schedule
        return message
    }

    func keepsakes(_ value: Keepsakes) -> UnsafeMutablePointer<Moderato__Keepsakes> {
        make(moderato__keepsakes__init) {
            $0.model = value.model ? 1 : 0
            $0.n_hidden_states = value.hiddenStates.count
            $0.hidden_states = array(value.hiddenStates.map { UInt32($0) })
        }
    }
}
