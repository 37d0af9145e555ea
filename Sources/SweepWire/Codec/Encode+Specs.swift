import CSweepProto
import SweepCore

extension Arena {
    func trainingSpec(_ value: TrainingSpec) -> UnsafeMutablePointer<Moderato__TrainingSpec> {
        make(moderato__training_spec__init) {
            $0.backbone = file(value.backbone.path, value.backbone.digest)
            $0.data = textData(value.data)
            $0.capacity = capacity(value.capacity)
            $0.attack = attack(value.attack)
            $0.poison_ratio = value.poisonRatio
            $0.epochs = UInt32(value.epochs)
            $0.learning_rate = value.learningRate
            $0.seed = value.seed
            $0.settings = settings(value.settings)
        }
    }

    func sweepSpec(_ value: SweepSpec) -> UnsafeMutablePointer<Moderato__SweepSpec> {
        make(moderato__sweep_spec__init) {
            let grid = value.grid
            let samples = value.trainingSamples.sorted { $0.key < $1.key }
            $0.name = string(value.name)
            $0.backbone = file(value.backbone.path, value.backbone.digest)
            $0.data = textData(value.data)
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

    private func binary(_ digest: Digest) -> ProtobufCBinaryData {
        ProtobufCBinaryData(len: 32, data: array(digest.bytes))
    }

    private func file(_ path: String, _ digest: Digest) -> UnsafeMutablePointer<Moderato__File> {
        make(moderato__file__init) {
            $0.path = string(path)
            $0.digest = binary(digest)
        }
    }

    private func file(_ value: FileReference) -> UnsafeMutablePointer<Moderato__File> {
        file(value.path, value.digest)
    }

    private func textData(_ value: TextData) -> UnsafeMutablePointer<Moderato__TextData> {
        make(moderato__text_data__init) {
            $0.train = file(value.train)
            $0.test = file(value.test)
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
                    $0.label_mode = string(word.labelMode.rawValue)
                    $0.target = UInt32(word.target)
                }
            case .prepared(let prepared):
                $0.kind_case = MODERATO__ATTACK__KIND_PREPARED
                $0.prepared = make(moderato__prepared_attack__init) {
                    $0.train = file(prepared.train)
                    $0.test = file(prepared.test)
                    $0.target = UInt32(prepared.target)
                }
            }
        }
    }

    private func settings(
        _ value: TrainingSettings
    ) -> UnsafeMutablePointer<Moderato__TrainingSettings> {
        make(moderato__training_settings__init) {
            $0.optimizer = make(moderato__adam_w__init) {
                $0.beta1 = value.optimizer.beta1
                $0.beta2 = value.optimizer.beta2
                $0.epsilon = value.optimizer.epsilon
                $0.weight_decay = value.optimizer.weightDecay
            }
            switch value.schedule {
            case .constant:
                $0.schedule_case = MODERATO__TRAINING_SETTINGS__SCHEDULE_CONSTANT
                $0.constant = empty()
            case .linear(let horizon):
                $0.schedule_case = MODERATO__TRAINING_SETTINGS__SCHEDULE_LINEAR
                $0.linear = make(moderato__linear_schedule__init) {
                    $0.has_horizon = horizon == nil ? 0 : 1
                    $0.horizon = UInt32(horizon ?? 0)
                }
            }
            $0.batch_size = UInt32(value.batchSize)
            $0.max_length = UInt32(value.maxLength)
            $0.dropout = value.dropout
            $0.gradient_clip = value.gradientClip
            $0.data_seed = value.dataSeed
        }
    }
}
