import CSweepProto
import SweepCore

extension Arena {
    func settings(
        _ value: TrainingSettings
    ) -> UnsafeMutablePointer<Moderato__TrainingSettings> {
        make(moderato__training_settings__init) {
            switch value.optimizer {
            case .adamW(let adamW):
                $0.optimizer_case = MODERATO__TRAINING_SETTINGS__OPTIMIZER_ADAM_W
                $0.adam_w = make(moderato__adam_w__init) {
                    $0.beta1 = adamW.beta1
                    $0.beta2 = adamW.beta2
                    $0.epsilon = adamW.epsilon
                    $0.weight_decay = adamW.weightDecay
                }
            case .sgd(let sgd):
                $0.optimizer_case = MODERATO__TRAINING_SETTINGS__OPTIMIZER_SGD
                $0.sgd = make(moderato__sgd__init) {
                    $0.momentum = sgd.momentum
                    $0.weight_decay = sgd.weightDecay
                }
            }
            $0.schedule = schedule(value.schedule)
            $0.batch_size = UInt32(value.batchSize)
            $0.max_length = UInt32(value.maxLength)
            $0.dropout = value.dropout
            $0.gradient_clip = value.gradientClip
            $0.data_seed = value.dataSeed
            $0.precision = string(value.precision.rawValue)
            $0.class_weighting = value.classWeighting ? 1 : 0
        }
    }

    private func schedule(_ value: Schedule) -> UnsafeMutablePointer<Moderato__Schedule> {
        make(moderato__schedule__init) {
            $0.warm_up = UInt32(value.warmUp)
            switch value.shape {
            case .constant:
                $0.shape_case = MODERATO__SCHEDULE__SHAPE_CONSTANT
                $0.constant = empty()
            case .linear(let epochs):
                $0.shape_case = MODERATO__SCHEDULE__SHAPE_LINEAR
                $0.linear = horizon(epochs)
            case .cosine(let epochs):
                $0.shape_case = MODERATO__SCHEDULE__SHAPE_COSINE
                $0.cosine = horizon(epochs)
            case .inverseSquareRoot:
                $0.shape_case = MODERATO__SCHEDULE__SHAPE_INVERSE_SQUARE_ROOT
                $0.inverse_square_root = empty()
            }
        }
    }

    private func horizon(_ epochs: Int?) -> UnsafeMutablePointer<Moderato__Horizon> {
        make(moderato__horizon__init) {
            $0.has_epochs = epochs == nil ? 0 : 1
            $0.epochs = UInt32(epochs ?? 0)
        }
    }

    func keepsakes(_ value: Keepsakes) -> UnsafeMutablePointer<Moderato__Keepsakes> {
        make(moderato__keepsakes__init) {
            $0.model = value.model ? 1 : 0
            $0.n_hidden_states = value.hiddenStates.count
            $0.hidden_states = array(value.hiddenStates.map { UInt32($0) })
        }
    }
}
