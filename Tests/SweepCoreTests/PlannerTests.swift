import SweepCore
import Testing

@Suite("From grid to runs")
struct PlannerTests {
    @Test("Points that differ only in epochs are one run under a constant schedule")
    func prefixSharing() {
        let plan = Plan(Sample.sweep(epochs: [3, 1, 2], learningRates: [1e-3, 1e-4]))
        #expect(plan.points.count == 6)
        #expect(plan.runs.count == 2)
        #expect(plan.runs.allSatisfy { $0.spec.epochs == 3 })
        #expect(plan.runs.allSatisfy { $0.milestones.map(\.epoch) == [1, 2, 3] })
        // 320 samples are 10 steps an epoch.
        #expect(plan.steps == 2 * 30)
        #expect(plan.stepsWithoutSharing == 2 * (10 + 20 + 30))
    }

    @Test("The paper's schedule looks at its last epoch, so nothing is shared")
    func linearIsNotShared() {
        let settings = TrainingSettings(schedule: .linear(horizon: nil))
        let plan = Plan(Sample.sweep(epochs: [1, 2, 3], settings: settings))
        #expect(plan.runs.count == 3)
        #expect(plan.steps == plan.stepsWithoutSharing)
        let horizons = plan.runs.map(\.spec.settings.schedule)
        #expect(horizons == [.linear(horizon: 1), .linear(horizon: 2), .linear(horizon: 3)])
    }

    @Test("A linear schedule with an explicit horizon is shared")
    func explicitHorizonIsShared() {
        let settings = TrainingSettings(schedule: .linear(horizon: 10))
        let plan = Plan(Sample.sweep(epochs: [1, 2, 10], settings: settings))
        #expect(plan.runs.count == 1)
        #expect(plan.runs.first?.spec.epochs == 10)
    }

    @Test("A linear schedule to the last epoch is the same point as that horizon spelled out")
    func horizonIsResolvedInTheKey() {
        func key(_ schedule: Schedule) -> PointKey? {
            Plan(Sample.sweep(epochs: [4], settings: TrainingSettings(schedule: schedule)))
                .points.first?.key
        }
        #expect(key(.linear(horizon: nil)) == key(.linear(horizon: 4)))
        #expect(key(.linear(horizon: nil)) != key(.linear(horizon: 5)))
        #expect(key(.linear(horizon: nil)) != key(.constant))
    }

    @Test("Attacks that ignore the poison ratio are one point, whatever the ratios")
    func ratioWithoutMeaning() {
        let plan = Plan(
            Sample.sweep(attacks: [.none, .word(WordAttack())], poisonRatios: [0.05, 0.1, 0.2]))
        #expect(plan.points.count == 1 + 3)
        #expect(
            plan.points.filter { $0.spec.attack == .none }.allSatisfy { $0.spec.poisonRatio == 0 })
    }

    @Test("Finished points are not planned again")
    func finishedPoints() {
        let sweep = Sample.sweep(epochs: [1, 2], seeds: [1, 2])
        let done = Set(Plan(sweep).points.filter { $0.spec.seed == 1 }.map(\.key))
        let plan = Plan(sweep) { done.contains($0) }
        #expect(plan.finished == 2)
        #expect(plan.runs.map(\.spec.seed) == [2])
    }

    @Test("The keys of a grid are those of its cells' specs, in every kind of sweep")
    func keysOfCells() {
        let file = FileReference(path: "/x", digest: Digest(ofText: "x"))
        for schedule in [Schedule.constant, .linear(horizon: nil), .linear(horizon: 7)] {
            var sweep = Sample.sweep(
                capacities: [
                    Capacity(pet: .usualAdapter),
                    Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: 2)),
                ],
                epochs: [3, 1], learningRates: [1e-3, 2.5e-5],
                attacks: [
                    .none, .word(WordAttack(count: 3)), .sentence(SentenceAttack()),
                    .paired(PairedAttack(train: file, test: .paired(file))),
                ],
                poisonRatios: [0.05, 0.1 + 0.2], seeds: [0, .max],
                settings: TrainingSettings(schedule: schedule))
            sweep.data.validation = .sentences(file)
            let plan = Plan(sweep)
            #expect(plan.points.count == 2 * 2 * 2 * 2 * (1 + 3 * 2))
            #expect(plan.points.allSatisfy { $0.key == PointKey(of: $0.spec) })
            #expect(plan.runs.allSatisfy { PointKey(of: $0.spec) == $0.milestones.last?.key })
        }
    }

    @Test("The key says what changes a result: digests, not paths")
    func keysFollowContent() {
        let sweep = Sample.sweep()
        var moved = sweep
        moved.backbone.path = "/elsewhere"
        var file = sweep.data.train.files[0]
        file.path = "/elsewhere.tsv"
        moved.data.train = .sentences(file)
        moved.name = "other"
        #expect(Plan(sweep).points.map(\.key) == Plan(moved).points.map(\.key))
        var changed = sweep
        file.digest = Digest(ofText: "other sentences")
        changed.data.train = .sentences(file)
        #expect(Plan(sweep).points.map(\.key) != Plan(changed).points.map(\.key))
    }

    @Test("Made-up results have keys of their own; those of real ones are as they always were")
    func fakeKeys() throws {
        let real = Sample.sweep(seeds: [1, 2])
        var fake = real
        fake.trainer = .fake
        #expect(Set(Plan(real).grid.keys).isDisjoint(with: Plan(fake).grid.keys))
        for sweep in [real, fake] {
            for point in Plan(sweep).points {
                #expect(point.spec.trainer == sweep.trainer)
                #expect(PointKey(of: point.spec) == point.key)
            }
        }
        let text = try #require(Plan(real).points.first).spec.canonicalText
        #expect(!text.contains("trainer="))
    }

    @Test("Keys are as they always were: what they are made of is written down here")
    func keysStay() throws {
        var spec = try #require(Plan(Sample.sweep()).points.first).spec
        func digest(_ letter: String) -> Digest { Digest(ofText: letter) }
        spec.backbone = BackboneReference(path: "/m", digest: digest("m"))
        spec.data = TaskData(
            train: .sentences(FileReference(path: "/a", digest: digest("a"))),
            test: .sentences(FileReference(path: "/b", digest: digest("b"))), labels: 2)
        spec.capacity = Capacity(pet: .lora(LoRA()), bottleneck: Bottleneck(size: 2))
        spec.attack = .word(WordAttack())
        spec.poisonRatio = 0.05
        spec.epochs = 3
        spec.learningRate = 1e-3
        spec.seed = 7
        spec.settings = TrainingSettings(schedule: .linear(horizon: nil))
        #expect(
            spec.canonicalText == """
                moderato-point
                training-core=2
                backbone=\(digest("m").hex)
                test=\(digest("b").hex)
                labels=2
                pet=lora
                pet.rank=8
                pet.alpha=16
                bottleneck=2
                in-dim=2
                attack=word
                attack.triggers=2:cf,2:mn,2:bb,2:tq
                attack.count=1
                attack.labels=dirty
                attack.target=1
                train=\(digest("a").hex)
                poison-ratio=0.05
                data-seed=0
                optimizer=adamw
                optimizer.beta1=0.9
                optimizer.beta2=0.999
                optimizer.epsilon=1e-08
                optimizer.weight-decay=0
                schedule=linear
                schedule.horizon=3
                schedule.warm-up=0
                batch-size=32
                max-length=128
                dropout=0.1
                gradient-clip=1
                precision=float32
                class-weighting=none
                epochs=3
                learning-rate=0.001
                seed=7

                """)
        // A setting that comes later says nothing at the value that trainings had before it.
        #expect(
            PointKey(of: spec).digest.hex
                == "05c2f7d27251587db889e92b5de67b63b1f8d0cad2901a5e18e454bcbf49936d")
        spec.data.train = .cifar10([FileReference(path: "/c", digest: digest("c"))])
        spec.attack = .patch(PatchAttack())
        spec.capacity = Capacity(pet: .lastBlocks(1))
        spec.settings.optimizer = .sgd(SGD())
        #expect(
            PointKey(of: spec).digest.hex
                == "3c4367384ad6a18f6483ea253950a5073b00d7c95352c7dfb095e6dd09f0c0ba")
    }

    @Test("How a file is read changes the key, but not what its labels are called")
    func layoutsDiffer() throws {
        var spec = try #require(Plan(Sample.sweep()).points.first).spec
        var file = spec.data.train.files[0]
        var keys = [PointKey(of: spec)]
        for layout in [
            TextLayout(format: .csv), TextLayout(format: .csv, text: .place(2)),
            TextLayout(format: .quotedTSV), TextLayout(format: .csv, touched: .place(2)),
            TextLayout(format: .csv, labels: ["a", "b"]),
            TextLayout(format: .csv, labels: ["b", "a"]),
            TextLayout(format: .csv, hasHeader: false),
            TextLayout(format: .json, text: .key("a"), label: .key("b")),
        ] {
            file.layout = layout
            spec.data.train = .sentences(file)
            keys.append(PointKey(of: spec))
        }
        #expect(Set(keys).count == keys.count)
        spec.data.labelNames = ["no", "yes"]
        #expect(PointKey(of: spec) == keys.last)
    }

    @Test("Every setting that changes a result changes the key")
    func keysDiffer() throws {
        let base = try #require(Plan(Sample.sweep()).points.first).spec
        var variants = [base]
        func vary(_ change: (inout TrainingSpec) -> Void) {
            var variant = base
            change(&variant)
            variants.append(variant)
        }
        vary { $0.backbone.digest = Digest(ofText: "x") }
        let other = FileReference(path: "/other", digest: Digest(ofText: "x"))
        vary { $0.data.train = .sentences(other) }
        for files in [[other], [other, other]] { vary { $0.data.train = .cifar10(files) } }
        vary { $0.data.train = .idx(images: other, labels: other) }
        vary { $0.data.test = .sentences(other) }
        vary { $0.data.validation = .sentences(other) }
        vary { $0.data.labels = 3 }
        vary { $0.capacity.pet = .lora(LoRA(rank: 4)) }
        vary { $0.capacity.pet = .lora(LoRA(alpha: 8)) }
        vary { $0.capacity.pet = .adapter(size: 8) }
        vary { $0.capacity.pet = .prefix(length: 8) }
        vary { $0.capacity.pet = .bitFit }
        vary { $0.capacity.pet = .full }
        for count in 1...2 { vary { $0.capacity.pet = .lastBlocks(count) } }
        vary { $0.capacity.bottleneck = Bottleneck(size: 2) }
        vary { $0.capacity.bottleneck = Bottleneck(size: 2, inputSize: 3) }
        vary { $0.attack = .none }
        vary { $0.attack = .word(WordAttack(triggers: ["cf"])) }
        vary { $0.attack = .word(WordAttack(triggers: ["cf,2:mn", "bb", "tq"])) }
        vary { $0.attack = .word(WordAttack(count: 2)) }
        vary { $0.attack = .word(WordAttack(labelMode: .mixed)) }
        vary { $0.attack = .word(WordAttack(target: 0)) }
        vary { $0.attack = .prepared(prepared(other)) }
        vary { $0.attack = .prepared(prepared(Sample.test)) }
        vary { $0.attack = .sentence(SentenceAttack()) }
        vary { $0.attack = .sentence(SentenceAttack(sentence: "no")) }
        vary { $0.attack = .sentence(SentenceAttack(count: 2)) }
        vary { $0.attack = .paired(PairedAttack(train: other, test: .paired(other))) }
        vary { $0.attack = .paired(PairedAttack(train: other, test: .triggered(other))) }
        vary { $0.attack = .paired(PairedAttack(train: Sample.test, test: .paired(other))) }
        vary { $0.attack = .patch(PatchAttack()) }
        vary { $0.attack = .patch(PatchAttack(size: 4)) }
        vary { $0.attack = .patch(PatchAttack(corner: .topLeft)) }
        vary { $0.attack = .patch(PatchAttack(colour: .init(red: 1, green: 2, blue: 3))) }
        vary { $0.attack = .patch(PatchAttack(opacity: 0.5)) }
        vary { $0.attack = .patch(PatchAttack(labelMode: .clean)) }
        vary { $0.attack = .patch(PatchAttack(target: 0)) }
        vary { $0.poisonRatio = 0.1 }
        vary { $0.epochs = 2 }
        vary { $0.learningRate = 2e-3 }
        vary { $0.seed = 2 }
        vary { $0.settings.dataSeed = 1 }
        vary { $0.settings.batchSize = 16 }
        vary { $0.settings.maxLength = 64 }
        vary { $0.settings.dropout = 0 }
        vary { $0.settings.gradientClip = 0 }
        vary { $0.settings.schedule = .linear(horizon: nil) }
        vary { $0.settings.schedule = Schedule(.cosine(horizon: nil)) }
        vary { $0.settings.schedule = Schedule(.inverseSquareRoot) }
        vary { $0.settings.schedule = Schedule(.constant, warmUp: 10) }
        vary { $0.settings.precision = .bfloat16 }
        vary { $0.settings.classWeighting = true }
        vary { $0.settings.optimizer = .adamW(AdamW(beta1: 0.8)) }
        vary { $0.settings.optimizer = .adamW(AdamW(beta2: 0.99)) }
        vary { $0.settings.optimizer = .adamW(AdamW(epsilon: 1e-6)) }
        vary { $0.settings.optimizer = .adamW(AdamW(weightDecay: 0.01)) }
        vary { $0.settings.optimizer = .sgd(SGD()) }
        vary { $0.settings.optimizer = .sgd(SGD(momentum: 0.5)) }
        vary { $0.settings.optimizer = .sgd(SGD(weightDecay: 0.1)) }
        #expect(Set(variants.map { PointKey(of: $0) }).count == variants.count)
    }

    @Test("What a paired attack is called, and where files lie, changes no key")
    func names() throws {
        var spec = try #require(Plan(Sample.sweep()).points.first).spec
        let file = FileReference(path: "/a", digest: Digest(ofText: "x"))
        let moved = FileReference(path: "/b", digest: Digest(ofText: "x"))
        spec.attack = .paired(PairedAttack(name: "style", train: file, test: .paired(file)))
        let key = PointKey(of: spec)
        spec.attack = .paired(PairedAttack(train: moved, test: .paired(moved)))
        #expect(PointKey(of: spec) == key)
    }

    private func prepared(_ file: FileReference) -> PreparedAttack {
        PreparedAttack(train: .sentences(file), test: .sentences(Sample.test))
    }
}

@Suite("Digests and random numbers")
struct DigestTests {
    @Test("SHA-256 of 'abc' is the one of FIPS 180-2, and survives being written")
    func digest() throws {
        let digest = Digest(ofText: "abc")
        #expect(
            digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Digest(hex: digest.hex) == digest)
        #expect(Digest(bytes: digest.bytes) == digest)
        #expect(Digest(hex: String(digest.hex.dropLast())) == nil)
        #expect(Digest(hex: String(repeating: "g", count: 64)) == nil)
        #expect(Digest(bytes: [1, 2, 3]) == nil)
    }

    @Test("xoshiro256** gives the published sequence for the seed 0 of SplitMix64")
    func randomSource() {
        var random = RandomSource(seed: 0)
        #expect(random.next() == 0x99EC_5F36_CB75_F2B4)
        #expect(random.next() == 0xBF6E_1F78_4956_452A)
    }
}
