/// Mistakes in values: the line replaced, its new text, and the message behind the file's name.
let valueMistakes = [
    Mistake(1, "name: ''", "1, name: the name has 0 characters; write 1 to 100"),
    Mistake(
        1, "name: " + String(repeating: "x", count: 101),
        "1, name: the name has 101 characters; write 1 to 100"),
    Mistake(1, "name: [a]", "1, name: a list stands where a name is needed; write text"),
    Mistake(
        1, "name: ' a'",
        "1, name: the name has white space around it, or a control character; write it without"),
    Mistake(
        6, "  labels: 1",
        "6, data.labels: 1 is out of range; write a whole number from 2 to 10000"),
    Mistake(
        6, "  labels: two",
        "6, data.labels: 'two' stands where a whole number is needed; write a whole number from "
            + "2 to 10000"),
    Mistake(9, "  epochs: []", "9, grid.epochs: the list is empty; write at least one value"),
    Mistake(
        9, "  epochs: [1, 0]",
        "9, grid.epochs: 0 is out of range; write a whole number from 1 to 100000"),
    Mistake(
        9, "  epochs: [1, 2.5]",
        "9, grid.epochs: '2.5' stands where a whole number is needed; write a whole number from "
            + "1 to 100000"),
    Mistake(
        9, "  epochs: '3'",
        "9, grid.epochs: the quoted text '3' stands where a whole number is needed; write a whole "
            + "number from 1 to 100000"),
    Mistake(
        9, "  epochs:\n    - 1\n    - 1",
        "11, grid.epochs: '1' is in the list twice, or is the same as another value; keep one"),
    Mistake(
        9, "  epochs: [1, ]\n  epochs: 2",
        "9: the key 'epochs' comes again further down; keep one of the two"),
    Mistake(9, "  epochs:", "9, grid.epochs: there is no value; write one, or take the key out"),
    Mistake(9, "  epochs: [1, ~]", "9, grid.epochs: a value of the list is empty; write it"),
    Mistake(
        10, "  learning-rate: true",
        "10, grid.learning-rate: 'true' stands where a number is needed; write a number "
            + "above 0, to 1000000"),
    Mistake(
        10, "  learning-rate: 0",
        "10, grid.learning-rate: 0 is out of range; write a number "
            + "above 0, to 1000000"),
    Mistake(
        10, "  learning-rate: .inf",
        "10, grid.learning-rate: '.inf' stands where a number is needed; write a number "
            + "above 0, to 1000000"),
    Mistake(
        10, "  learning-rate: [1e-3, 0.001]",
        "10, grid.learning-rate: '0.001' is in the list twice, or is the same as another value; "
            + "keep one"),
    Mistake(
        10, "  learning-rate: { from: 1e-3 }",
        "10, grid.learning-rate: a mapping (keys and values) stands where a number is needed; "
            + "write a number "
            + "above 0, to 1000000"),
    Mistake(
        12, "  poison-ratio: 5",
        "12, grid.poison-ratio: 5 is out of range; write a number from 0 to 1"),
    Mistake(
        12, "  poison-ratio: 5 %",
        "12, grid.poison-ratio: '5 %' stands where a number is needed; write a number from 0 to 1"),
    Mistake(
        13, "  seed: -1",
        "13, grid.seed: '-1' is no seed; write a whole number from 0 to 18446744073709551615"),
    Mistake(
        15, "  batch-size: 0",
        "15, training.batch-size: 0 is out of range; write a whole number from 1 to 100000"),
    Mistake(
        15, "  max-length: 2",
        "15, training.max-length: 2 is out of range; write a whole number from 3 to 100000"),
    Mistake(
        15, "  dropout: 1",
        "15, training.dropout: 1 is out of range; write a number from 0 to below 1"),
    Mistake(
        15, "  gradient-clip: -1",
        "15, training.gradient-clip: -1 is out of range; write a number of 0 (no clipping) or above"
    ),
    Mistake(
        15, "  optimizer: adagrad",
        "15, training.optimizer: 'adagrad' is no optimizer; write adamw or sgd"),
    Mistake(
        15, "  optimizer: { kind: adamw, epsilon: 0 }",
        "15, training.optimizer.epsilon: 0 is out of range; write a number above 0, to 1"),
]

let keyMistakes = [
    Mistake(
        1, "nme: tiny",
        "1, nme: there is no such key (did you mean name?); the keys here are name, model, data, "
            + "grid, training, keep, needs"),
    Mistake(1, "", "1, name: the key is missing; a sweep file needs name, model, data, grid"),
    Mistake(
        10, "  learningRate: 1e-3",
        "10, grid.learningRate: there is no such key (did you mean learning-rate?); the keys here "
            + "are capacity, epochs, learning-rate, attack, poison-ratio, seed"),
    Mistake(
        13, "  colour: 1",
        "13, grid.colour: there is no such key; the keys here are capacity, epochs, "
            + "learning-rate, attack, poison-ratio, seed"),
    Mistake(
        8, "",
        "7, grid.capacity: the key is missing; a grid needs capacity, epochs, "
            + "learning-rate, attack"),
    Mistake(
        14, "training: { schedule: constant }\nold:",
        "15, old: there is no such key; the keys here are name, model, data, grid, training, "
            + "keep, needs"),
    Mistake(
        9, "\tepochs: 1",
        "9: the text is not YAML: found a tab character that violates indentation while scanning a "
            + "plain scalar that starts in line 8; indent with spaces, not with tabs"),
    Mistake(
        9, "  epochs: [1, 2",
        "10: the text is not YAML: did not find expected ',' or ']' while parsing a flow sequence "
            + "that starts in line 9; check the indentation, colons and brackets"),
    Mistake(
        9, "  epochs: \u{1}",
        "9: the text is not YAML: control characters are not allowed; take the character out"),
    Mistake(15, "---\nname: b", "15: another document starts here; write one sweep in a file"),
    Mistake(
        10, "  learning-rate: *rate",
        "10: a value that starts with * is an alias; quote it if it is text"),
]

let attackMistakes = [
    Mistake(
        8, "  capacity: lorra",
        "8, grid.capacity: 'lorra' is no PET (did you mean lora?); write full, "
            + "last-blocks, lora, adapter, prefix, bitfit or ia3"),
    Mistake(
        8, "  capacity: { pet: full, bottleneck: 2 }",
        "8, grid.capacity.bottleneck: there is no such key; the keys here are pet"),
    Mistake(
        8, "  capacity: { bottleneck: 2 }",
        "8, grid.capacity.pet: the key is missing; write pet: full, last-blocks, lora, adapter, "
            + "prefix, bitfit or ia3"),
    Mistake(
        8, "  capacity: [lora, { pet: lora, rank: 8 }]",
        "8, grid.capacity: a mapping (keys and values) is in the list twice, or is the same as "
            + "another value; keep one"),
    Mistake(
        8, "  capacity: { pet: lora, rank: 0 }",
        "8, grid.capacity.rank: 0 is out of range; write a whole number from 1 to 65536"),
    Mistake(
        8, "  capacity: { pet: lora, in-dim: 2 }",
        "8, grid.capacity.in-dim: in-dim belongs to a bottleneck; write bottleneck too, or take "
            + "in-dim out"),
    Mistake(
        11, "  attack: words",
        "11, grid.attack: 'words' is no attack (did you mean word?); write none, word, sentence, "
            + "paired, syntactic, style, prepared, patch or blend"),
    Mistake(
        11, "  attack: prepared",
        "11, grid.attack: the attack prepared needs files; "
            + "write { kind: prepared, train: FILE, test: FILE, target: 1 }"),
    Mistake(
        11, "  attack: { triggers: [cf] }",
        "11, grid.attack.kind: the key is missing; write kind: none, word, "
            + "sentence, paired, syntactic, style, prepared, patch or blend"),
    Mistake(
        11, "  attack: { kind: word, target: 2 }",
        "11, grid.attack.target: 2 is out of range; write a whole number from 0 to 1"),
    Mistake(
        11, "  attack: { kind: word, labels: dirt }",
        "11, grid.attack.labels: 'dirt' is no label mode (did you mean dirty?); "
            + "write dirty, clean or mixed"),
    Mistake(
        11, "  attack: { kind: word, triggers: [a b] }",
        "11, grid.attack.triggers: 'a b' is not one word; write a list of words"),
    Mistake(
        11, "  attack: { kind: word, triggers: [cf, cf] }",
        "11, grid.attack.triggers: 'cf' is in the list twice, or is the same as another value; "
            + "keep one"),
    Mistake(
        11, "  attack: { kind: none, count: 1 }",
        "11, grid.attack.count: there is no such key; the keys here are kind"),
    Mistake(
        12, "",
        "11, grid.poison-ratio: the key is missing, and an attack needs it; write the share "
            + "of training samples to poison, such as 0.05"),
    Mistake(
        15, "  schedule: step",
        "15, training.schedule: 'step' is no schedule; write constant, linear, cosine "
            + "or inverse-sqrt"),
    Mistake(
        15, "  schedule: { kind: linear, horizon: 1 }",
        "9, grid.epochs: 2 epochs are more than the schedule's horizon of 1, after which "
            + "the learning rate is 0; raise training.schedule.horizon"),
    Mistake(
        15, "  schedule: { kind: constant, horizon: 1 }",
        "15, training.schedule.horizon: the schedule constant never looks at an end and "
            + "has no horizon; take the key out"),
]
