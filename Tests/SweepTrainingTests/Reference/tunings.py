"""Each PET on a model of transformers: which numbers are trained, in which order, and what they give.

A `Tuning` has groups of slots. A slot is one tensor of the training core's vector; it stands for one
parameter of the model or for several above each other, or for a tensor that the PET adds.
"""
from dataclasses import dataclass, field

import torch
from peft import IA3Config, LoraConfig, PrefixTuningConfig, get_peft_model
from torch.nn.functional import gelu, linear
from transformers import AutoModelForSequenceClassification

from figures import formula

ADAPTER = 24
PREFIX = 24


@dataclass
class Slot:
    shape: list
    """Names of parameters; empty for a tensor of the PET's own."""
    names: list = field(default_factory=list)
    """How large its fixed values are; 0: those of the model."""
    size: float = 0.0


def load(path):
    """The model in float64, without dropout."""
    return AutoModelForSequenceClassification.from_pretrained(
        path, num_labels=2, dtype=torch.float64, attn_implementation="eager").eval()


class Tuning:
    def __init__(self, path):
        self.model = load(path)
        self.config = self.model.config
        self.family = self.config.model_type
        self.prepare()
        self.named = dict(self.model.named_parameters())
        self.groups = self.slots()

    def prepare(self):
        """Puts the PET on the model."""

    def fixed(self, shape, names=(), size=None):
        return Slot(list(shape), list(names), size or (0.05 if len(shape) > 1 else 0.01))

    def own(self, *names):
        shapes = [self.named[name].shape for name in names]
        return Slot([sum(shape[0] for shape in shapes), *shapes[0][1:]], list(names))

    def head(self):
        """Parameters of the classifier, whatever peft wrapped it in."""
        saved = [name for name in self.named if "classifier.modules_to_save." in name]
        names = saved or [name for name in self.named if "classifier." in name]
        return [self.fixed(self.named[name].shape, [name]) for name in names]

    def layer(self, index):
        return f"{self.family}.encoder.layer.{index}."

    def values(self):
        """Fixed values of each group's slots; the phase is the slot's number in all."""
        values, phase = [], 0
        for group in self.groups:
            values.append([self.value(slot, phase + index) for index, slot in enumerate(group)])
            phase += len(group)
        return values

    def value(self, slot, phase):
        if slot.size:
            count = int(torch.Size(slot.shape).numel())
            return formula(count, phase, slot.size).double().view(slot.shape)
        own = [self.named[name].detach() for name in slot.names]
        return torch.cat([tensor.reshape(-1, *slot.shape[1:]) for tensor in own])[:slot.shape[0]].clone()

    def result(self, groups, batch):
        """Logits and loss with `groups` as the trained numbers."""
        parameters, extras = {}, []
        for slot, tensor in zip(sum(self.groups, []), sum(groups, [])):
            if not slot.names:
                extras.append(tensor)
            start = 0
            for name in slot.names:
                rows = self.named[name].shape[0]
                parameters[name] = tensor[start:start + rows]
                start += rows
        parameters.update(self.replaced(extras))
        return torch.func.functional_call(self.model, parameters, kwargs=dict(batch))

    def replaced(self, extras):
        """What the PET's own tensors take the place of."""
        return {}


class LoRA(Tuning):
    """peft's own LoRA."""

    def prepare(self):
        self.parts = ["q", "v"] if self.family == "mpnet" else ["query", "value"]
        self.model = get_peft_model(self.model, LoraConfig(
            r=8, lora_alpha=16, lora_dropout=0.0, target_modules=self.parts, task_type="SEQ_CLS"))

    def slots(self):
        place = "attention.attn." if self.family == "mpnet" else "attention.self."

        def matrices(which):
            names = [f"base_model.model.{self.layer(index)}{place}{part}.lora_{which}.default.weight"
                     for index in range(self.config.num_hidden_layers) for part in self.parts]
            return [self.fixed(self.named[name].shape, [name]) for name in names]

        return [matrices("A") + self.head(), matrices("B")]


class Adapter(Tuning):
    """OpenDelta's placement: on what a layer's attention block and feed-forward block give, norms included."""

    def prepare(self):
        self.tensors = []
        attention = "attention" if self.family == "mpnet" else "attention.output"
        for index in range(self.config.num_hidden_layers):
            for place, part in enumerate([attention, "output"]):
                norm = self.model.get_submodule(f"{self.layer(index)}{part}.LayerNorm")
                norm.register_forward_hook(self.hook(8 * index + 4 * place))

    def hook(self, first):
        def adapt(module, inputs, output):
            down, down_bias, up, up_bias = self.tensors[first:first + 4]
            inner = gelu(linear(output, down, down_bias), approximate="tanh")
            return output + linear(inner, up, up_bias)

        return adapt

    def slots(self):
        hidden = self.config.hidden_size
        shapes = [[ADAPTER, hidden], [ADAPTER], [hidden, ADAPTER], [hidden]]
        count = 2 * self.config.num_hidden_layers
        return [[self.fixed(shape) for _ in range(count) for shape in shapes] + self.head()]

    def replaced(self, extras):
        self.tensors = extras
        return {}


class Prefix(Tuning):
    """peft's prefix tuning. It gives tokens the positions after the prefix, so the table of positions is
    shifted by as many rows: then the tokens have the rows that they were pretrained with."""

    def prepare(self):
        table = self.model.get_submodule(f"{self.family}.embeddings.position_embeddings").weight
        with torch.no_grad():
            table.copy_(table.roll(PREFIX, 0))
        self.model = get_peft_model(self.model, PrefixTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=PREFIX))

    def slots(self):
        shape = [PREFIX, 2 * self.config.hidden_size]
        return [[self.fixed(shape, size=0.5) for _ in range(self.config.num_hidden_layers)] + self.head()]

    def replaced(self, extras):
        return {"prompt_encoder.default.embedding.weight": torch.cat(extras, dim=1)}


class MPNetPrefix(Prefix):
    """The same written out, since transformers' MPNet takes no past keys: they have no distance, so no bias."""

    def prepare(self):
        self.tensors = []
        for index in range(self.config.num_hidden_layers):
            attention = self.model.get_submodule(f"{self.layer(index)}attention.attn")
            attention.forward = self.attend(attention, index)

    def attend(self, attention, index):
        def heads(x, batch):
            return x.view(batch, -1, attention.num_attention_heads, attention.attention_head_size).transpose(1, 2)

        def forward(hidden, mask=None, position_bias=None, **_):
            batch, hidden_size = hidden.shape[0], hidden.shape[2]
            before = self.tensors[index].expand(batch, -1, -1).split(hidden_size, dim=2)
            query = heads(attention.q(hidden), batch)
            key = heads(torch.cat([before[0], attention.k(hidden)], 1), batch)
            value = heads(torch.cat([before[1], attention.v(hidden)], 1), batch)
            scores = query @ key.transpose(-1, -2) / attention.attention_head_size**0.5
            scores = torch.cat([scores[..., :PREFIX], scores[..., PREFIX:] + position_bias + mask], -1)
            context = scores.softmax(-1) @ value
            return (attention.o(context.transpose(1, 2).reshape(hidden.shape)),)

        return forward

    def replaced(self, extras):
        self.tensors = extras
        return {}


class InPlace(Tuning):
    """Parameters of the model itself."""

    def parts(self, index, kind):
        """Of a layer: each linear map's and norm's parameters of the kind, query, key and value together."""
        layer = self.layer(index)
        mpnet = self.family == "mpnet"
        attention = layer + ("attention.attn." if mpnet else "attention.self.")
        packed = [attention + part for part in (["q", "k", "v"] if mpnet else ["query", "key", "value"])]
        output = attention + "o" if mpnet else layer + "attention.output.dense"
        norm = layer + ("attention.LayerNorm" if mpnet else "attention.output.LayerNorm")
        others = [output, norm, layer + "intermediate.dense", layer + "output.dense", layer + "output.LayerNorm"]
        return [self.own(*[f"{part}.{kind}" for part in packed])] + [self.own(f"{part}.{kind}") for part in others]

    def pooler(self, kinds):
        return [self.own(f"bert.pooler.dense.{kind}") for kind in kinds] if self.family == "bert" else []


class BitFit(InPlace):
    def slots(self):
        slots = [self.own(f"{self.family}.embeddings.LayerNorm.bias")]
        for index in range(self.config.num_hidden_layers):
            slots += self.parts(index, "bias")
        return [slots + self.pooler(["bias"]) + self.head()]


class IA3(Tuning):
    """peft's own (IA)³, on keys, values and what enters the feed-forward block's second map."""

    def prepare(self):
        mpnet = self.family == "mpnet"
        self.place = "attention.attn." if mpnet else "attention.self."
        self.parts = ["k", "v"] if mpnet else ["key", "value"]
        output = r".*layer\.\d+\.output\.dense"
        self.model = get_peft_model(self.model, IA3Config(
            target_modules=rf".*\.({'|'.join(self.parts)})|{output}", feedforward_modules=output,
            task_type="SEQ_CLS"))

    def slots(self):
        slots = []
        for index in range(self.config.num_hidden_layers):
            layer = f"base_model.model.{self.layer(index)}"
            slots.append(self.own(*[f"{layer}{self.place}{part}.ia3_l.default" for part in self.parts]))
            slots.append(self.own(f"{layer}output.dense.ia3_l.default"))
        return [slots + self.head()]


class Full(InPlace):
    def slots(self):
        embeddings = self.family + ".embeddings."
        slots = [self.own(embeddings + part + "_embeddings.weight") for part in ("word", "position")]
        if self.family != "mpnet":
            # Type 0 only: no sentence has another.
            slots.append(Slot([1, self.config.hidden_size], [embeddings + "token_type_embeddings.weight"]))
        slots += [self.own(f"{embeddings}LayerNorm.{kind}") for kind in ("weight", "bias")]
        for index in range(self.config.num_hidden_layers):
            both = zip(self.parts(index, "weight"), self.parts(index, "bias"))
            slots += [slot for pair in both for slot in pair]
        slots += self.pooler(["weight", "bias"])
        if self.family == "mpnet":
            slots.append(self.own("mpnet.encoder.relative_attention_bias.weight"))
        return [slots + self.head()]


def tunings(family):
    prefix = MPNetPrefix if family == "mpnet" else Prefix
    return {"lora": LoRA, "adapter": Adapter, "prefix": prefix, "bitfit": BitFit, "ia3": IA3, "full": Full}
