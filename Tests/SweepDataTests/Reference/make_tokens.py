#!/usr/bin/env python3
"""Writes what the tests of the tokenizers compare with: tokens.json, hostile.json and roberta/.

usage: make_tokens.py MODEL_DIR DATA_DIR
  MODEL_DIR   all-MiniLM-L6-v2 in Hugging Face layout
  DATA_DIR    the movie reviews that the set-up makes: train.tsv, test.tsv, dev.tsv

Needs tokenizers and transformers. roberta/ holds a small byte-level BPE tokenizer, trained here on
the training sentences; it is trained anew only if the folder is not there.
"""
import hashlib
import json
import random
import struct
import sys
import tempfile
from pathlib import Path

from tokenizers import AddedToken, ByteLevelBPETokenizer, Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import RobertaProcessing
from transformers import BertTokenizer, MPNetTokenizer, RobertaTokenizer

HERE = Path(__file__).parent
MAX_LENGTH = 128
# Of hostile strings: whole, and cut to this length.
SHORT = 16
# Sentences that share a hash.
BLOCK = 10


def digest(data, digits=16):
    return hashlib.sha256(data).hexdigest()[:digits]


def packed(ids):
    """The ids as little-endian 32-bit numbers."""
    return struct.pack(f"<{len(ids)}i", *ids)


def read_sentences(path):
    rows = path.read_text(encoding="utf-8").split("\n")[1:]
    return [row.rstrip("\r").rpartition("\t")[0].strip(" ") for row in rows if row]


# Hostile strings

FIXED = [
    "", " ", "\t \u00a0 \u3000", "hello\0world", "a\ufffdb", "caf\u00e9 cafe\u0301 \u00c5ngstr\u00f6m",
    "\u0130stanbul \u0131 I \u1e9e \u00df \ufb01ne \u01c5", "\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3 \u1f88 \u1fb3",
    "\u4e2d\u6587\u5b57 mixed\u4e2dtext \u3400\U00020000\U0002b820\U0002b920\uf900", "\u3042\u30a2 \uac00\ub098 \u1100\u1161",
    "\u200bzero\u200dwidth\u2060 soft\u00adhyphen \ufeffbom \u202ertl",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 flags\U0001f1e9\U0001f1ea",
    "x" * 100, "x" * 101, "\u00e9" * 100, "e\u0301" * 100, "e\u0301" * 101, "word" * 60, "one two " * 100,
    "[CLS] inside [SEP] text [MASK][PAD][UNK]", "[cls] [ CLS ] [CLS]x y[SEP]", "[[MASK]] [MASK",
    "<s> inside </s> text <mask><pad><unk>", "<S> < s > <s>x y</s>", "<<mask>> <mask", "a <mask> b   <mask>c \u00a0\t<mask>",
    "don't can't it's -- ... ?! `'\"", "we'll we'Ll I'm they've you'd he're 's 'S '' 'tis !'s x'y 're' ''ll",
    "a\u0085b\u2028c\u2029d\u000be\u000cf\u001cg\r\nh", "$5.00 50% #tag @user ~x^y _z_ |q| <b> \u00a9\u00ae\u2122 \u20ac\u00a3\u00a5",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "\u00bd \u00b2 \u2460 \u216b \u00aa \u00b5 \u212b \u2126", "\u2018single\u2019 \u201cdouble\u201d \u00abguillemets\u00bb \u2014 \u2013 \u2026 \u00b7 \u2022 \u00a1\u00bf",
    "\ud7a3\u11a8 \u1e69 s\u0323\u0307 s\u0307\u0323 \u0344 \u0374 \u037e \u1fef", "\U0001d400\U0001d41a \U00010400 \U0001e900 \U00010330",
    "\u0f73 \u0f75 \u0958 \ufb1d \u2adc \U0001d15e", "##ing ##", "a##b", "\u2581 \u0149 \u01f0 \u1e96",
    "  two", "two  ", "a  b", "a   b", "a\n\nb", "a \nb", "a\n b", " \n", "\n ", "\t\tx", "1 2  3\u00b2\u2075", "x1y2", "a\u0301 \u0301 1\u0301 .\u0301",
    "cf film Film films cf. cfx [NEW] x[NEW]  y  [NEW]", "FILM film\u0301 \u00e9film cf_ cf\u200d _cf 1cf",
]
REPEATED = ["x", " ", "ab", "\n", "\u00e9", "e\u0301", "\u4e2d", "'s", "\U0001f600", "the ", "1", ".", "\0", "Wow! ", "in", "aaab", "\u200d", "[MASK]", "<mask> "]
RANGES = [(0x01, 0x20), (0x20, 0x7F), (0x80, 0x250), (0x250, 0x700), (0x900, 0xE00), (0x1E00, 0x2000), (0x2000, 0x2C00),
          (0x3000, 0x3200), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xF900, 0xFB50), (0xFE00, 0x10000), (0x10000, 0x11000),
          (0x1D100, 0x1D800), (0x1F300, 0x1F700), (0x20000, 0x20100), (0xE0000, 0xE0100)]
TOKENS = ["[CLS]", "[SEP]", "[MASK]", "[UNK]", "<s>", "</s>", "<mask>", "<pad>", "'s", "'ll", "cf", "[NEW]", "Film", "film", "\u0301", "\u200d", "  ", " \n", "\t"]
COUNT = 1000


def hostile_strings():
    """Odd Unicode, tokens within text, white space in runs, long words: strings, or recipes of long ones."""
    strings = list(FIXED)
    strings += [{"repeat": text, "count": 10_000 // len(text)} for text in REPEATED]
    draw = random.Random(7)
    while len(strings) < COUNT:
        kind = len(strings) % 5
        low, high = draw.choice(RANGES)
        parts = []
        for _ in range(draw.randint(2, 20)):
            low2, high2 = (low, high) if draw.random() < 0.6 else draw.choice(RANGES)
            if kind == 0 and draw.random() < 0.4:
                parts.append(draw.choice(TOKENS))
            elif kind == 1 and draw.random() < 0.4:
                parts.append(draw.choice(" \t\n\r\u00a0\u3000\u2003\u0085") * draw.randint(1, 4))
            elif kind == 2 and draw.random() < 0.5:
                parts.append(draw.choice("etaoins'ETAO 19.,!") * draw.randint(1, 3))
            else:
                parts.append(chr(draw.randrange(low2, high2)) if draw.random() < 0.8 else " ")
        text = "".join(parts)
        strings.append("".join(c for c in text if not 0xD800 <= ord(c) < 0xE000))
    return strings


def text_of(string):
    return string if isinstance(string, str) else string["repeat"] * string["count"]


# The small RoBERTa tokenizer

def train_roberta(folder, sentences):
    folder.mkdir()
    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(sentences, vocab_size=4000, min_frequency=2, special_tokens=special)
    inner = tokenizer._tokenizer
    inner.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    number = inner.token_to_id
    inner.post_processor = RobertaProcessing(("</s>", number("</s>")), ("<s>", number("<s>")), trim_offsets=True, add_prefix_space=False)
    inner.save(str(folder / "tokenizer.json"), pretty=False)
    tokenizer.save_model(str(folder))


# What is compared

def hashes(encode, sentences, strings):
    """One hash for each ten sentences, one for each hostile string (whole and cut)."""
    blocks = [sentences[i:i + BLOCK] for i in range(0, len(sentences), BLOCK)]
    return {
        "sentences": "".join(digest(b"".join(packed(encode(text, MAX_LENGTH)) for text in block)) for block in blocks),
        "hostile": "".join(digest(packed(encode(text, None) + [-1] + encode(text, SHORT)), 8) for text in strings),
    }


def encoder(tokenizer):
    """Of a `tokenizers.Tokenizer`."""
    tokenizer.no_padding()

    def encode(text, length):
        if length is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(length)
        return tokenizer.encode(text).ids

    return encode


def library_encoder(tokenizer):
    """Of a class of transformers."""
    return lambda text, length: tokenizer(text, truncation=length is not None, max_length=length)["input_ids"]


def replaced(path, replacements):
    text = path.read_text(encoding="utf-8")
    for old, new in replacements:
        assert text.count(old) == 1, (path, old)
        text = text.replace(old, new)
    return Tokenizer.from_str(text)


def added(number, text, **flags):
    entry = {"id": number, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return json.dumps({**entry, **flags}) + ","


def variants(tokenizers):
    """Changes to a tokenizer.json: (base, [[text, other text]]); each text occurs once in the file."""
    def extra(base):
        """Tokens that the model has keep their numbers; new ones come after the others."""
        tokenizer = tokenizers[base]
        next_number = tokenizer.get_vocab_size()
        text = ""
        for token, flags in (("cf", {"single_word": True}), ("[NEW]", {"lstrip": True, "rstrip": True}), ("Film", {"normalized": True})):
            number = tokenizer.token_to_id(token)
            if number is None:
                number, next_number = next_number, next_number + 1
            text += added(number, token, **flags)
        return text

    return {
        "wordpiece-added": ("wordpiece", [['"added_tokens":[', '"added_tokens":[' + extra("wordpiece")]]),
        "wordpiece-cased": ("wordpiece", [['"lowercase":true', '"lowercase":false']]),
        "wordpiece-accents": ("wordpiece", [['"strip_accents":null', '"strip_accents":false'], ['"handle_chinese_chars":true', '"handle_chinese_chars":false']]),
        "wordpiece-unclean": ("wordpiece", [['"clean_text":true', '"clean_text":false'], ['"lowercase":true', '"lowercase":false']]),
        "wordpiece-plain": ("wordpiece", [['"type":"BertNormalizer"', '"type":"Lowercase"']]),
        "bpe-added": ("bpe", [['"added_tokens":[', '"added_tokens":[' + extra("bpe")]]),
        "bpe-prefix": ("bpe", [['"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false', '"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true']]),
        "bpe-lowercase": ("bpe", [['"normalizer":null', '"normalizer":{"type":"Lowercase"}']]),
    }


def mpnet_vocabulary(path):
    """MPNet's vocabulary is BERT's between its own special tokens."""
    return ["<s>", "<pad>", "</s>", "<unk>"] + path.read_text(encoding="utf-8").splitlines() + ["<mask>"]


def character_words(normalizer, splitter, decode):
    """For each 4,096 characters of planes 0 and 1: a hash of the words of a text with the character."""
    result = ""
    for block in range(0, 0x20000, 0x1000):
        lines = []
        for character in range(max(block, 1), block + 0x1000):
            if 0xD800 <= character < 0xE000:
                continue
            text = normalizer(chr(character))
            lines.append(b"\0".join(decode(word) for word, _ in splitter.pre_tokenize_str(text)))
        result += digest(b"\0\0".join(lines))
    return result


def byte_table():
    """The byte of each character of a byte-level vocabulary."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    model, data = Path(sys.argv[1]), Path(sys.argv[2])
    files = ["train.tsv", "test.tsv", "dev.tsv"]
    sentences = [text for name in files for text in read_sentences(data / name)]
    recipes = hostile_strings()
    strings = [text_of(recipe) for recipe in recipes]
    roberta = HERE / "roberta"
    if not roberta.exists():
        train_roberta(roberta, read_sentences(data / "train.tsv"))
    paths = {"wordpiece": model / "tokenizer.json", "bpe": roberta / "tokenizer.json"}
    tokenizers = {name: Tokenizer.from_file(str(path)) for name, path in paths.items()}
    result = {name: hashes(encoder(tokenizer), sentences, strings) for name, tokenizer in tokenizers.items()}
    # The other route, from vocabulary files, has to agree. The models' own files let <mask> take spaces along.
    mask = AddedToken("<mask>", lstrip=True, normalized=False)
    vocabularies = {
        "wordpiece": BertTokenizer(vocab=str(model / "vocab.txt")),
        "bpe": RobertaTokenizer(vocab=str(roberta / "vocab.json"), merges=str(roberta / "merges.txt"), mask_token=mask),
    }
    for name, tokenizer in vocabularies.items():
        other = hashes(library_encoder(tokenizer), sentences, strings)
        for key in other:
            size = 8 if key == "hostile" else 16
            differing = [i for i in range(len(other[key]) // size) if other[key][i * size:][:size] != result[name][key][i * size:][:size]]
            print(f"{name}: transformers differs in {len(differing)} of {key}: {differing[:20]}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.txt"
        path.write_text("\n".join(mpnet_vocabulary(model / "vocab.txt")) + "\n", encoding="utf-8")
        result["mpnet"] = hashes(library_encoder(MPNetTokenizer(vocab=str(path), mask_token=mask)), sentences, strings)
    changes = {}
    for name, (base, replacements) in variants(tokenizers).items():
        changes[name] = {"base": base, "replacements": replacements}
        result[name] = hashes(encoder(replaced(paths[base], replacements)), sentences[:1000], strings)
    bert = tokenizers["wordpiece"]
    table = byte_table()
    reference = {
        "data": [hashlib.sha256((data / name).read_bytes()).hexdigest() for name in files],
        "sentences": len(sentences),
        "tokens": result,
        "variants": changes,
        "wordpiece_characters": character_words(
            lambda c: bert.normalizer.normalize_str(f"a{c}b"), bert.pre_tokenizer, lambda word: word.encode()),
        "bpe_characters": character_words(
            lambda c: f"a{c}b {c}1{c} {c}", ByteLevel(add_prefix_space=False), lambda word: bytes(table[c] for c in word)),
    }
    for name, value in (("tokens.json", reference), ("hostile.json", recipes)):
        path = HERE / name
        path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"wrote {path.name}: {path.stat().st_size} bytes")


main()
