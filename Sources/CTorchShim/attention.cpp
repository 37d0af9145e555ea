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

/// The kernel's view of `query` (undefined: it is in `packed`) and `packed`.
Attention describe(
    const Tensor& query, const Tensor& packed, const Tensor& query_offsets,
    const Tensor& key_offsets, const Tensor& offsets, int64_t heads) {
    const int64_t parts = query.defined() ? 2 : 3, width = packed.size(1) / parts;
    const float* base = packed.data_ptr<float>();
    Attention op{};
    op.query_stride = query.defined() ? width : 3 * width;
    op.key_stride = parts * width;
    op.query = query.defined() ? query.data_ptr<float>() : base;
    op.key = base + (parts - 2) * width;
    op.value = base + (parts - 1) * width;
    op.query_offsets = query_offsets.data_ptr<int64_t>();
    op.key_offsets = key_offsets.data_ptr<int64_t>();
    op.probability_offsets = offsets.data_ptr<int64_t>();
    op.sequences = key_offsets.size(0) - 1;
    op.heads = heads;
    op.head_width = width / heads;
    op.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(op.head_width)));
    return op;
}

struct AttentionFunction : Function<AttentionFunction> {
    static Tensor forward(
        AutogradContext* context, const std::optional<Tensor>& query, const Tensor& packed,
        const Tensor& offsets, int64_t heads, double probability, int64_t seed,
        bool needs_gradient) {
        const Tensor one = query ? query->contiguous() : Tensor(), rows = packed.contiguous();
        const Tensor query_offsets =
            query ? at::arange(offsets.size(0), offsets.options()) : offsets;
        const Tensor places = probability_offsets(query_offsets, offsets);
        Attention op = describe(one, rows, query_offsets, offsets, places, heads);
        op.dropout = make_dropout(probability, static_cast<uint64_t>(seed));
        const int64_t queries = query ? one.size(0) : rows.size(0);
        Tensor result = at::empty({queries, op.heads * op.head_width}, rows.options());
        op.context = result.data_ptr<float>();
        Tensor probabilities;
        if (needs_gradient) {
            const int64_t count = places.data_ptr<int64_t>()[op.sequences] * heads;
            probabilities = at::empty({count}, rows.options());
            op.probabilities = probabilities.data_ptr<float>();
            context->save_for_backward(
                {one, rows, query_offsets, offsets, places, probabilities});
            context->saved_data["heads"] = heads;
            context->saved_data["probability"] = probability;
            context->saved_data["seed"] = seed;
        }
        at::parallel_for(0, op.sequences * heads, 1, [&](int64_t begin, int64_t end) {
            kernels().attention_forward(op, begin, end);
        });
        return result;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const Tensor &query = saved[0], &packed = saved[1], &probabilities = saved[5];
        const Tensor change = gradients[0].contiguous();
        Attention op = describe(
            query, packed, saved[2], saved[3], saved[4], context->saved_data["heads"].toInt());
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
        return {d_query, d_packed, none, none, none, none, none};
    }
};

/// The same with libtorch's operations: sequences padded to the longest.
Tensor composite_attention(
    const Tensor& query, const Tensor& packed, const Tensor& offsets, int64_t heads,
    double probability, uint64_t seed) {
    const int64_t sequences = offsets.size(0) - 1, parts = query.defined() ? 2 : 3;
    const int64_t width = packed.size(1) / parts, head_width = width / heads;
    const Tensor lengths = offsets.diff();
    const int64_t longest = lengths.max().item<int64_t>();
    const Tensor sequence = at::repeat_interleave(lengths);
    const Tensor row = at::arange(packed.size(0), offsets.options());
    const Tensor column = row - offsets.index_select(0, sequence);
    const Tensor slots = (sequence * longest + column).to(packed.device());
    const Tensor place = at::arange(longest, offsets.options()).unsqueeze(0);
    const Tensor mask = (place >= lengths.unsqueeze(1))
                            .view({sequences, 1, 1, longest})
                            .to(packed.device());
    const Tensor blank =
        at::zeros({sequences * longest, parts * width}, packed.options().requires_grad(false));
    const auto padded = blank.index_copy(0, slots, packed)
                            .view({sequences, longest, parts, heads, head_width})
                            .permute({2, 0, 3, 1, 4})
                            .unbind(0);
    const Tensor rows =
        query.defined() ? query.view({sequences, heads, 1, head_width}) : padded[0];
    const double scale = 1 / std::sqrt(static_cast<double>(head_width));
    const Tensor scores = at::matmul(rows, padded[parts - 2].transpose(2, 3)) * scale;
    Tensor weights = at::softmax(scores.masked_fill(mask, -INFINITY), -1);
    weights = dropout(weights, probability, seed);
    const Tensor context = at::matmul(weights, padded[parts - 1]);
    const Tensor result = context.transpose(1, 2).reshape({-1, width});
    return query.defined() ? result : result.index_select(0, slots);
}

}  // namespace

Tensor attention(
    const Tensor& query, const Tensor& packed, const Tensor& offsets, int64_t heads,
    double probability, uint64_t seed) {
    const int64_t width = packed.size(1) / (query.defined() ? 2 : 3);
    const bool fits = width % heads == 0 && width / heads % lane_count == 0;
    if (!fused_allowed() || !packed.is_cpu() || !fits)
        return composite_attention(query, packed, offsets, heads, probability, seed);
    const bool needs_gradient = at::GradMode::is_enabled()
        && (packed.requires_grad() || (query.defined() && query.requires_grad()));
    const auto one = query.defined() ? std::optional<Tensor>(query) : std::nullopt;
    return AttentionFunction::apply(
        one, packed, offsets, heads, probability, static_cast<int64_t>(seed), needs_gradient);
}

}  // namespace mts
