"""Logits of an exported model, as Hugging Face's libraries load it.

usage: load_export.py transformers|peft FOLDER LABELS < sentences.json > logits.json
"""

import json
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

form, folder, labels = sys.argv[1], sys.argv[2], int(sys.argv[3])
if form == "transformers":
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, report = AutoModelForSequenceClassification.from_pretrained(
        folder, output_loading_info=True)
    assert model.config.num_labels == labels, model.config
    assert not report["missing_keys"] and not report["unexpected_keys"], report
else:
    from peft import PeftConfig, PeftModel

    base = PeftConfig.from_pretrained(folder).base_model_name_or_path
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=labels)
    model = PeftModel.from_pretrained(model, folder)
model.eval()
rows = []
with torch.no_grad():
    for sentence in json.load(sys.stdin):
        tokens = tokenizer(sentence, truncation=True, max_length=128, return_tensors="pt")
        rows.append(model(**tokens).logits[0].tolist())
json.dump(rows, sys.stdout)
