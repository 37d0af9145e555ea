"""Logits of exported models, as Hugging Face's libraries load them.

usage: load_export.py LABELS (transformers|peft)=FOLDER... < sentences.json > logits.json
"""

import json
import sys

import torch
from peft import PeftConfig, PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

labels = int(sys.argv[1])
sentences = json.load(sys.stdin)


def load(form, folder):
    if form == "transformers":
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder, output_loading_info=True)
        assert model.config.num_labels == labels, model.config
        assert not report["missing_keys"] and not report["unexpected_keys"], report
        return tokenizer, model
    assert form == "peft", form
    base = PeftConfig.from_pretrained(folder).base_model_name_or_path
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=labels)
    return AutoTokenizer.from_pretrained(base), PeftModel.from_pretrained(model, folder)


def logits(form, folder):
    tokenizer, model = load(form, folder)
    model.eval()
    rows = []
    with torch.no_grad():
        for sentence in sentences:
            tokens = tokenizer(sentence, truncation=True, max_length=128, return_tensors="pt")
            rows.append(model(**tokens).logits[0].tolist())
    return rows


json.dump([logits(*export.split("=", 1)) for export in sys.argv[2:]], sys.stdout)
