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

    private func file(_ value: FileReference) -> UnsafeMutablePointer<Moderato__File> {
        file(value.path, value.digest)
    }

    private func dataSet(_ value: DataSet) -> UnsafeMutablePointer<Moderato__DataSet> {
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
        }
    }

    private func capacity(_ value: Capacity) -> UnsafeMutablePointer<Moderato__Capacity> {
        make(moderato__capacity__init) {
            switch value.pet {
            case .lora(let lora):
                $0.pet_case = MODERATO__CAPACITY__PET_LORA
                $0.lora = make(moderato__lo_ra__init) {
                    $0.rank = UInt32(lora.rank)
                    $0.alpha = lora.alpha
                }
            case .adapter(let size):
                $0.pet_case = MODERATO__CAPACITY__PET_ADAPTER_SIZE
                $0.adapter_size = UInt32(size)
            case .prefix(let length):
                $0.pet_case = MODERATO__CAPACITY__PET_PREFIX_LENGTH
                $0.prefix_length = UInt32(length)
            case .bitFit:
                $0.pet_case = MODERATO__CAPACITY__PET_BIT_FIT
                $0.bit_fit = empty()
            case .full:
                $0.pet_case = MODERATO__CAPACITY__PET_FULL
                $0.full = empty()
            case .lastBlocks(let count):
                $0.pet_case = MODERATO__CAPACITY__PET_LAST_BLOCKS
                $0.last_blocks = UInt32(count)
            }
            if let bottleneck = value.bottleneck {
                $0.bottleneck = make(moderato__bottleneck__init) {
                    $0.size = UInt32(bottleneck.size)
                    $0.input_size = UInt32(bottleneck.inputSize)
                }
            }
        }
    }

    private func attack(_ value: Attack) -> UnsafeMutablePointer<Moderato__Attack> {
        make(moderato__attack__init) {
            $0.has_target = value.target == nil ? 0 : 1
            $0.target = UInt32(value.target ?? 0)
            $0.label_mode = value.labelMode.map { string($0.rawValue) }
            switch value {
            case .none:
                $0.kind_case = MODERATO__ATTACK__KIND_NONE
                $0.none = empty()
            case .word(let word):
                $0.kind_case = MODERATO__ATTACK__KIND_WORD
                $0.word = make(moderato__word_attack__init) {
                    $0.n_triggers = word.triggers.count
                    $0.triggers = pointers(word.triggers.map(string))
                    $0.count = UInt32(word.count)
                }
            case .sentence(let sentence):
                $0.kind_case = MODERATO__ATTACK__KIND_SENTENCE
                $0.sentence = make(moderato__sentence_attack__init) {
                    $0.sentence = string(sentence.sentence)
                    $0.count = UInt32(sentence.count)
                }
            case .paired(let pairs):
                $0.kind_case = MODERATO__ATTACK__KIND_PAIRED
                $0.paired = paired(pairs)
            case .prepared(let prepared):
                $0.kind_case = MODERATO__ATTACK__KIND_PREPARED
                $0.prepared = make(moderato__prepared_attack__init) {
                    $0.train = dataSet(prepared.train)
                    $0.test = dataSet(prepared.test)
                }
            case .patch(let patch):
                $0.kind_case = MODERATO__ATTACK__KIND_PATCH
                $0.patch = make(moderato__patch_attack__init) {
                    let colour = patch.colour
                    $0.size = UInt32(patch.size)
                    $0.corner = string(patch.corner.rawValue)
                    $0.colour =
                        UInt32(colour.red) << 16 | UInt32(colour.green) << 8 | UInt32(colour.blue)
                    $0.opacity = patch.opacity
                }
            }
        }
    }

    private func paired(_ value: PairedAttack) -> UnsafeMutablePointer<Moderato__PairedAttack> {
        make(moderato__paired_attack__init) {
            $0.name = string(value.name)
            $0.train = file(value.train)
            switch value.test {
            case .paired(let test):
                $0.test_case = MODERATO__PAIRED_ATTACK__TEST_PAIRED_TEST
                $0.paired_test = file(test)
            case .triggered(let test):
                $0.test_case = MODERATO__PAIRED_ATTACK__TEST_TRIGGERED_TEST
                $0.triggered_test = file(test)
            }
        }
    }
}
