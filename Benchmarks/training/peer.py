#!/usr/bin/env python3
"""Training steps a second of transformers' Trainer with peft's LoRA, as most people would write it.

usage: peer.py MODEL_DIR TRAIN_TSV THREADS STEPS

LoRA r = 8 on query and value, batch 32, each batch padded to its longest sentence. The first 20 steps
and everything before them are not counted. Prints one line of JSON.
"""
import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import (AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding, Trainer,
                          TrainerCallback, TrainingArguments)

WARM_UP = 20


class Stopwatch(TrainerCallback):
    def __init__(self, steps):
        self.steps = steps
        self.seconds = {}

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step in (WARM_UP, WARM_UP + self.steps):
            self.seconds[state.global_step] = time.perf_counter()

    def rate(self):
        return self.steps / (self.seconds[WARM_UP + self.steps] - self.seconds[WARM_UP])


def read_samples(path, tokenizer):
    samples = []
    for line in Path(path).read_text(encoding="utf-8").split("\n")[1:]:
        text, tab, label = line.rstrip("\r").rpartition("\t")
        if tab:
            tokens = tokenizer(text.strip(), truncation=True, max_length=128)
            samples.append({**tokens, "labels": int(label)})
    return samples


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    folder, train, threads, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(
        r=8, lora_alpha=16, target_modules=["query", "value"], task_type="SEQ_CLS"))
    stopwatch = Stopwatch(steps)
    with tempfile.TemporaryDirectory() as output:
        arguments = TrainingArguments(
            output_dir=output, per_device_train_batch_size=32, learning_rate=3e-4, max_steps=WARM_UP + steps,
            save_strategy="no", report_to=[], seed=42, use_cpu=True, disable_tqdm=True)
        Trainer(model=model, args=arguments, train_dataset=read_samples(train, tokenizer),
                data_collator=DataCollatorWithPadding(tokenizer), callbacks=[stopwatch]).train()
    print(json.dumps({"steps_per_second": stopwatch.rate()}))


main()
