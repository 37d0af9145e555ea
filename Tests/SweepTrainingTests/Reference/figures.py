"""What the scripts beside this one share: fixed values, sentences, and figures to compare by."""
import numpy
import torch


def formula(count, phase, size):
    """`size * sin(phase + 0.7 * k * k mod 1000)`: values without a pattern that matters."""
    k = numpy.arange(count, dtype=numpy.float64)
    return torch.tensor(size * numpy.sin(phase + numpy.mod(0.7 * k * k, 1000.0)), dtype=torch.float32)


def weights(count):
    """Values in -1 to 1 that integers give exactly: (2654435761 k mod 2^32) / 2^31 - 1."""
    k = numpy.arange(count, dtype=numpy.uint64)
    return torch.from_numpy((k * numpy.uint64(2654435761) % numpy.uint64(1 << 32)).astype(numpy.float64) / 2.0**31 - 1)


def read_sentences(path):
    rows = path.read_text(encoding="utf-8").split("\n")[1:]
    pairs = [row.rstrip("\r").rpartition("\t") for row in rows if row]
    return [text.strip(" ") for text, _, _ in pairs], [int(label) for _, _, label in pairs]


def batch_of(tokenizer, sentences, length=128):
    return tokenizer(sentences, truncation=True, max_length=length, padding=True, return_tensors="pt")


def rounded(values):
    return [float(f"{value:.7g}") for value in values]


def probes(vector):
    """The Euclidean norm, and 64 values spread over the vector."""
    vector = vector.double()
    picks = torch.linspace(0, vector.numel() - 1, 64).long()
    return {"norm": float(vector.norm()), "values": rounded(vector[picks].tolist())}


def summary(gradient):
    """The norm, the sum weighted by `weights`, where the largest value is, and that value."""
    flat = gradient.flatten().double()
    place = int(flat.abs().argmax())
    norm, weighted, largest = rounded([float(flat.norm()), float(flat @ weights(flat.numel())), float(flat[place])])
    return [norm, weighted, place, largest]
