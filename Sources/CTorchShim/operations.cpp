// Operations behind the C interface.
#include "functions.h"
#include "handles.h"

using mts::extents;
using mts::give;
using mts::guarded;
using mts::value_or_none;

int mts_reshape(const mts_tensor* x, const int64_t* shape, int rank, mts_tensor** result) {
    return give(result, [&] { return x->value.reshape(extents(shape, rank)); });
}

int mts_split(const mts_tensor* x, const int64_t* sizes, int count, mts_tensor** results) {
    return guarded([&] {
        const auto pieces = at::split_with_sizes(x->value, extents(sizes, count), -1);
        for (int i = 0; i < count; i++) results[i] = new mts_tensor{pieces[static_cast<size_t>(i)]};
    });
}

int mts_concatenate(const mts_tensor* x, const mts_tensor* y, mts_tensor** result) {
    return give(result, [&] { return at::cat({x->value, y->value}); });
}

int mts_slice_rows(const mts_tensor* x, int64_t first, int64_t count, mts_tensor** result) {
    return give(result, [&] { return x->value.narrow(0, first, count); });
}

int mts_transpose(const mts_tensor* x, mts_tensor** result) {
    return give(result, [&] { return x->value.t().contiguous(); });
}

int mts_gelu_tanh(const mts_tensor* x, mts_tensor** result) {
    return give(result, [&] { return at::gelu(x->value, "tanh"); });
}

int mts_relu(const mts_tensor* x, mts_tensor** result) {
    return give(result, [&] { return at::relu(x->value); });
}

int mts_add(const mts_tensor* x, const mts_tensor* y, mts_tensor** result) {
    return give(result, [&] { return x->value + y->value; });
}

int mts_tanh(const mts_tensor* x, mts_tensor** result) {
    return give(result, [&] { return at::tanh(x->value); });
}

int mts_matrix_vector(const mts_tensor* matrix, const mts_tensor* vector, mts_tensor** result) {
    return give(result, [&] {
        // One run's product is a plain one: its result must not depend on how runs are batched.
        if (matrix->value.size(0) == 1)
            return at::mv(matrix->value.select(0, 0), vector->value.select(0, 0)).unsqueeze(0);
        return at::bmm(matrix->value, vector->value.unsqueeze(2)).squeeze(2);
    });
}

int mts_select_rows(const mts_tensor* x, const mts_tensor* rows, mts_tensor** result) {
    return give(result, [&] { return x->value.index_select(0, rows->value); });
}

int mts_linear(
    const mts_tensor* x, const mts_tensor* weight, const mts_tensor* bias, mts_tensor** result) {
    return give(result, [&] { return mts::linear(x->value, weight->value, value_or_none(bias)); });
}

int mts_run_linear(
    const mts_tensor* x, const mts_tensor* weight, const mts_tensor* bias,
    const mts_tensor* row_offsets, mts_tensor** result) {
    return give(result, [&] {
        return mts::run_linear(x->value, weight->value, bias->value, value_or_none(row_offsets));
    });
}

int mts_layer_norm(
    const mts_tensor* x, const mts_tensor* gamma, const mts_tensor* beta, double epsilon,
    mts_tensor** result) {
    return give(result, [&] {
        return at::layer_norm(
            x->value, {x->value.size(-1)}, gamma->value, beta->value, epsilon);
    });
}

int mts_cross_entropy(
    const mts_tensor* logits, const mts_tensor* labels, const mts_tensor* class_weights,
    double label_smoothing, mts_tensor** result) {
    return give(result, [&] {
        return at::cross_entropy_loss(
            logits->value, labels->value, value_or_none(class_weights), at::Reduction::Mean, -100,
            label_smoothing);
    });
}

int mts_scale_rows(
    const mts_tensor* x, const mts_tensor* scales, const mts_tensor* row_offsets,
    mts_tensor** result) {
    return give(result, [&] {
        const auto& all = scales->value;
        if (all.size(0) == 1) return x->value * all;
        return x->value * at::repeat_interleave(all, row_offsets->value.diff().to(at::kLong), 0);
    });
}

int mts_dropout(const mts_tensor* x, double probability, uint64_t seed, mts_tensor** result) {
    return give(result, [&] { return mts::dropout(x->value, probability, seed); });
}

int mts_add_norm(
    const mts_tensor* x, const mts_tensor* bias, const mts_tensor* residual,
    const mts_tensor* gamma, const mts_tensor* beta, double epsilon, double probability,
    uint64_t seed, mts_tensor** result) {
    return give(result, [&] {
        return mts::add_norm(
            x->value, bias->value, residual->value, gamma->value, beta->value, epsilon,
            probability, seed);
    });
}

int mts_bias_gelu(mts_tensor* x, const mts_tensor* bias, mts_tensor** result) {
    return give(result, [&] { return mts::bias_gelu(x->value, bias->value); });
}

int mts_lora_linear(
    const mts_tensor* x, const mts_tensor* weight, const mts_tensor* bias, int count,
    mts_tensor* const* a, mts_tensor* const* b, const int64_t* first_rows, double scale,
    const mts_tensor* row_offsets, mts_tensor** result) {
    return give(result, [&] {
        mts::Update updates[2];
        TORCH_CHECK(count == 1 || count == 2, "one or two updates, not ", count);
        for (int i = 0; i < count; i++) updates[i] = {a[i]->value, b[i]->value, first_rows[i]};
        return mts::lora_linear(
            x->value, weight->value, bias->value, updates[0], updates[1], scale,
            value_or_none(row_offsets));
    });
}

int mts_attention(
    const mts_tensor* query, const mts_tensor* packed, const mts_tensor* query_offsets,
    const mts_tensor* key_offsets, int64_t heads, const mts_tensor* relative, int64_t prefix,
    double probability, uint64_t seed, mts_tensor** result) {
    return give(result, [&] {
        return mts::attention(
            value_or_none(query), packed->value, value_or_none(query_offsets), key_offsets->value,
            heads, value_or_none(relative), prefix, probability, seed);
    });
}

int mts_images(
    const uint8_t* pixels, const int64_t* shape, int channels, const float* mean,
    const float* deviation, int64_t side, int device, mts_tensor** result) {
    return give(result, [&] {
        const at::Tensor bytes =
            at::from_blob(const_cast<uint8_t*>(pixels), extents(shape, 4), at::dtype(at::kByte));
        const at::Device place = mts::device_at(device);
        const auto row = [&](const float* values) {
            return at::from_blob(const_cast<float*>(values), {1, channels, 1, 1}, at::kFloat)
                .clone()
                .to(place);
        };
        at::Tensor x = bytes.to(place).to(at::kFloat).div_(255);
        if (x.size(1) == 1 && channels > 1) x = x.expand({-1, channels, -1, -1});
        TORCH_CHECK(x.size(1) == channels, x.size(1), " channels where ", channels, " are needed");
        x = (x - row(mean)) / row(deviation);
        if (x.size(2) != side || x.size(3) != side)
            x = at::upsample_bilinear2d(x, {side, side}, false);
        return x;
    });
}

int mts_convolution(
    const mts_tensor* x, const mts_tensor* weight, const mts_tensor* bias, mts_tensor** result) {
    return give(result, [&] {
        const at::Tensor &w = weight->value, b = value_or_none(bias);
        const std::vector<int64_t> padding{w.size(2) / 2, w.size(3) / 2};
        if (w.scalar_type() != at::kBFloat16)
            return at::conv2d(x->value, w, b, {1, 1}, padding);
        const at::Tensor y = at::conv2d(
            x->value.to(at::kBFloat16), w, b.defined() ? b.to(at::kBFloat16) : b, {1, 1}, padding);
        return y.to(at::kFloat);
    });
}

int mts_max_pool(const mts_tensor* x, mts_tensor** result) {
    return give(result, [&] { return at::max_pool2d(x->value, {2, 2}); });
}

int mts_average_pool(const mts_tensor* x, int64_t side, mts_tensor** result) {
    return give(result, [&] { return at::adaptive_avg_pool2d(x->value, {side, side}); });
}

int mts_sgd_step(
    mts_tensor* parameter, const mts_tensor* gradient, mts_tensor* velocity, double learning_rate,
    double momentum, double weight_decay, double clip, double* norm) {
    return guarded([&] {
        *norm = mts::sgd_step(
            parameter->value, gradient->value, velocity->value, learning_rate, momentum,
            weight_decay, clip);
    });
}

int mts_adamw_step(
    mts_tensor* parameter, const mts_tensor* gradient, mts_tensor* first_moment,
    mts_tensor* second_moment, int64_t step, double learning_rate, double beta1, double beta2,
    double epsilon, double weight_decay, double clip, double* norm) {
    return guarded([&] {
        *norm = mts::adamw_step(
            parameter->value, gradient->value, first_moment->value, second_moment->value, step,
            learning_rate, beta1, beta2, epsilon, weight_decay, clip);
    });
}
