// Attention within sequences of unequal length that lie one after the other, without padding.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "functions.h"
#include "kernels.h"

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

namespace mts {
namespace {

/// First entry of each sequence in one head's probabilities, and their number.
Tensor probability_offsets(const Tensor& query_offsets, const Tensor& key_offsets) {
    const int64_t sequences = key_offsets.size(0) - 1;
    Tensor result = at::empty({sequences + 1}, key_offsets.options());
    const int64_t *queries = query_offsets.data_ptr<int64_t>();
    const int64_t *keys = key_offsets.data_ptr<int64_t>();
    int64_t* to = result.data_ptr<int64_t>();
    to[0] = 0;
    for (int64_t i = 0; i < sequences; i++)
        to[i + 1] = to[i] + (queries[i + 1] - queries[i]) * (keys[i + 1] - keys[i]);
    return result;
}

/// What attention reads besides the rows themselves.
struct Places {
    /// First row of each sequence among queries and among keys, and the number of all.
    Tensor queries, keys;
    /// [heads, 2 * reach + 1] or undefined.
    Tensor relative;
    int64_t heads, prefix;
};

/// The kernel's view of `query` (undefined: it is in `packed`) and `packed`.
Attention describe(
    const Tensor& query, const Tensor& packed, const Places& places, const Tensor& offsets) {
    const int64_t parts = query.defined() ? 2 : 3, width = packed.size(1) / parts;
    const float* base = packed.data_ptr<float>();
    Attention op{};
    op.query_stride = query.defined() ? width : 3 * width;
    op.key_stride = parts * width;
    op.query = query.defined() ? query.data_ptr<float>() : base;
    op.key = base + (parts - 2) * width;
    op.value = base + (parts - 1) * width;
    op.query_offsets = places.queries.data_ptr<int64_t>();
    op.key_offsets = places.keys.data_ptr<int64_t>();
    op.probability_offsets = offsets.data_ptr<int64_t>();
    op.sequences = places.keys.size(0) - 1;
    op.heads = places.heads;
    op.head_width = width / op.heads;
    op.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(op.head_width)));
    op.prefix = places.prefix;
    if (places.relative.defined()) {
        op.relative = places.relative.data_ptr<float>();
        op.reach = (places.relative.size(1) - 1) / 2;
    }
    return op;
}

struct AttentionFunction : Function<AttentionFunction> {
    static Tensor forward(
        AutogradContext* context, const std::optional<Tensor>& query, const Tensor& packed,
        const Places& places, double probability, int64_t seed, bool needs_gradient) {
        const Tensor one = query ? query->contiguous() : Tensor(), rows = packed.contiguous();
        const Tensor offsets = probability_offsets(places.queries, places.keys);
        Attention op = describe(one, rows, places, offsets);
        op.dropout = make_dropout(probability, static_cast<uint64_t>(seed));
        const int64_t queries = query ? one.size(0) : rows.size(0);
        Tensor result = at::empty({queries, op.heads * op.head_width}, rows.options());
        op.context = result.data_ptr<float>();
        Tensor probabilities;
        if (needs_gradient) {
            const int64_t count = offsets.data_ptr<int64_t>()[op.sequences] * op.heads;
            probabilities = at::empty({count}, rows.options());
            op.probabilities = probabilities.data_ptr<float>();
            context->save_for_backward(
                {one, rows, places.queries, places.keys, offsets, probabilities});
            context->saved_data["heads"] = op.heads;
            context->saved_data["prefix"] = op.prefix;
            context->saved_data["probability"] = probability;
            context->saved_data["seed"] = seed;
        }
        at::parallel_for(0, op.sequences * op.heads, 1, [&](int64_t begin, int64_t end) {
            kernels().attention_forward(op, begin, end);
        });
        return result;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const Tensor &query = saved[0], &packed = saved[1], &probabilities = saved[5];
        const Tensor change = gradients[0].contiguous();
        // Relative positions are in the probabilities already.
        const Places places{
            saved[2], saved[3], Tensor(), context->saved_data["heads"].toInt(),
            context->saved_data["prefix"].toInt()};
        Attention op = describe(query, packed, places, saved[4]);
        op.dropout = make_dropout(
            context->saved_data["probability"].toDouble(),
            static_cast<uint64_t>(context->saved_data["seed"].toInt()));
        op.probabilities = probabilities.data_ptr<float>();
        Tensor d_query, d_packed = at::empty_like(packed);
        if (query.defined()) d_query = at::empty_like(query);
        const int64_t width = op.heads * op.head_width, parts = query.defined() ? 2 : 3;
        float* base = d_packed.data_ptr<float>();
        const AttentionGradient gradient{
            change.data_ptr<float>(), query.defined() ? d_query.data_ptr<float>() : base,
            base + (parts - 2) * width, base + (parts - 1) * width};
        at::parallel_for(0, op.sequences * op.heads, 1, [&](int64_t begin, int64_t end) {
            kernels().attention_backward(op, gradient, begin, end);
        });
        const Tensor none;
        return {d_query, d_packed, none, none, none, none};
    }
};

/// Rows of sequences padded to the longest: where each row goes, and the longest length.
struct Padding {
    Tensor slots;
    int64_t sequences, longest;

    explicit Padding(const Tensor& offsets) {
        sequences = offsets.size(0) - 1;
        const Tensor lengths = offsets.diff();
        longest = lengths.max().item<int64_t>();
        const Tensor sequence = at::repeat_interleave(lengths);
        const Tensor row = at::arange(sequence.size(0), offsets.options());
        slots = sequence * longest + (row - offsets.index_select(0, sequence));
    }

    /// [rows, heads * width] as [sequences, heads, longest, width].
    Tensor spread(const Tensor& rows, int64_t heads) const {
        const Tensor blank = at::zeros(
            {sequences * longest, rows.size(1)}, rows.options().requires_grad(false));
        return blank.index_copy(0, slots.to(rows.device()), rows)
            .view({sequences, longest, heads, rows.size(1) / heads})
            .transpose(1, 2);
    }
};

/// [heads, queries, keys]: what each query gets for the distance to each key.
Tensor relative_scores(const Places& places, int64_t queries, int64_t keys) {
    const Tensor& table = places.relative;
    const auto options = at::dtype(at::kLong).device(table.device());
    const int64_t reach = (table.size(1) - 1) / 2, own = keys - places.prefix;
    const Tensor distance =
        at::arange(own, options).unsqueeze(0) - at::arange(queries, options).unsqueeze(1) + reach;
    const Tensor scores = table.index_select(1, distance.clamp(0, 2 * reach).flatten())
                              .view({table.size(0), queries, own});
    return at::constant_pad_nd(scores, {places.prefix, 0});
}

/// The same with libtorch's operations.
Tensor composite_attention(
    const Tensor& query, const Tensor& packed, const Places& places, double probability,
    uint64_t seed) {
    const int64_t parts = query.defined() ? 2 : 3, width = packed.size(1) / parts;
    const auto pieces = packed.split(width, 1);
    const Padding queries(places.queries), keys(places.keys);
    const Tensor lengths = places.keys.diff();
    const Tensor mask = (at::arange(keys.longest, lengths.options()).unsqueeze(0)
                         >= lengths.unsqueeze(1))
                            .view({keys.sequences, 1, 1, keys.longest})
                            .to(packed.device());
    const Tensor rows = queries.spread(query.defined() ? query : pieces[0], places.heads);
    const Tensor padded_keys = keys.spread(pieces[parts - 2], places.heads);
    const Tensor values = keys.spread(pieces[parts - 1], places.heads);
    const double scale = 1 / std::sqrt(static_cast<double>(width / places.heads));
    Tensor scores = at::matmul(rows, padded_keys.transpose(2, 3)) * scale;
    if (places.relative.defined())
        scores = scores + relative_scores(places, queries.longest, keys.longest);
    Tensor weights = at::softmax(scores.masked_fill(mask, -INFINITY), -1);
    weights = dropout(weights, probability, seed);
    const Tensor context = at::matmul(weights, values).transpose(1, 2).reshape({-1, width});
    return context.index_select(0, queries.slots.to(context.device()));
}

}  // namespace

Tensor attention(
    const Tensor& query, const Tensor& packed, const Tensor& query_offsets,
    const Tensor& key_offsets, int64_t heads, const Tensor& relative, int64_t prefix,
    double probability, uint64_t seed) {
    Places places{query_offsets, key_offsets, relative, heads, prefix};
    if (!places.queries.defined())
        places.queries = query.defined() ? at::arange(key_offsets.size(0), key_offsets.options())
                                         : key_offsets;
    const int64_t width = packed.size(1) / (query.defined() ? 2 : 3);
    const bool fits = width % heads == 0 && width / heads % lane_count == 0
        && !(relative.defined() && relative.requires_grad());
    if (!fused_allowed() || !packed.is_cpu() || packed.scalar_type() != at::kFloat || !fits)
        return composite_attention(query, packed, places, probability, seed);
    const bool needs_gradient = at::GradMode::is_enabled()
        && (packed.requires_grad() || (query.defined() && query.requires_grad()));
    const auto one = query.defined() ? std::optional<Tensor>(query) : std::nullopt;
    return AttentionFunction::apply(
        one, packed, places, probability, static_cast<int64_t>(seed), needs_gradient);
}

}  // namespace mts
