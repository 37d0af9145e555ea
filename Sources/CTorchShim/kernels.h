// The processor's fused kernels: plain C++ on float32 rows, no libtorch. Each works on a range of
// rows or sequences, so that the caller spreads ranges over threads.
//
// Random masks are a function of (seed, index) alone; they do not depend on threads, and the
// backward kernels draw them again instead of keeping them.
#pragma once
#include <cstdint>

namespace mts {

/// Floats in a vector register of the kernels. Row widths must be multiples of it.
constexpr int64_t lane_count = 16;

struct Dropout {
    uint64_t seed;
    /// An element is dropped when its 32-bit draw is below this; 0 means no dropout.
    uint32_t threshold;
    /// 1 / (1 - p).
    float scale;
};

inline Dropout make_dropout(double probability, uint64_t seed) {
    if (probability <= 0) return {seed, 0, 1};
    return {seed, static_cast<uint32_t>(probability * 4294967295.0),
            static_cast<float>(1 / (1 - probability))};
}

/// y = layer_norm(dropout(x + bias) + residual) * gamma + beta for rows begin ..< end.
/// Keeps the normalised rows and each row's 1 / standard deviation for the backward pass.
struct NormForward {
    const float *x, *bias, *residual, *gamma, *beta;
    float *y, *normalized, *inverse_deviation;
    int64_t width;
    float epsilon;
    Dropout dropout;
};

/// From dy: the gradients of the residual and of x. `d_x` may be null when nothing was dropped:
/// then it equals `d_residual`.
struct NormBackward {
    const float *dy, *normalized, *inverse_deviation, *gamma;
    float *d_residual, *d_x;
    int64_t width;
    Dropout dropout;
};

/// Attention of one head over sequences of unequal length that lie one after the other.
struct Attention {
    /// Row strides, in floats.
    int64_t query_stride, key_stride;
    const float *query, *key, *value;
    /// Added to each row of query, key and value; null when they are added already.
    const float *query_bias, *key_bias, *value_bias;
    /// First row of each sequence, and one past the last; `sequences + 1` entries each.
    const int64_t *query_offsets, *key_offsets;
    /// First entry of each sequence in `probabilities`, for one head.
    const int64_t* probability_offsets;
    int64_t sequences, heads, head_width;
    float scale;
    /// Added to the scaled scores by the distance from query to key: [heads][2 * reach + 1], with
    /// distance 0 in the middle; null for none.
    const float* relative;
    int64_t reach;
    /// Keys before those of the sequence's own rows, which have no position.
    int64_t prefix;
    Dropout dropout;
    /// Softmax rows before dropout: [sequence][head][query][key]; null when no gradient is asked.
    float* probabilities;
    /// [queries, heads * head_width]
    float* context;
};

struct AttentionGradient {
    const float* d_context;
    /// Laid out as query, key and value.
    float *d_query, *d_key, *d_value;
};

/// Decoupled weight decay with bias-corrected moments (AdamW), elements begin ..< end.
struct AdamStep {
    float *parameter, *first_moment, *second_moment;
    const float* gradient;
    /// Factor on the gradient: what clipping asks.
    float gradient_scale;
    float decay, beta1, beta2, step_size, inverse_root_correction2, epsilon;
};

/// The kernels, compiled for one instruction set. Ranges are begin ..< end.
struct Kernels {
    /// y = dropout(x) for elements; the same call with dy for x gives dx.
    void (*dropout)(const float* x, float* y, int64_t begin, int64_t end, Dropout dropout);
    /// For rows.
    void (*add_norm_forward)(const NormForward& op, int64_t begin, int64_t end);
    void (*add_norm_backward)(const NormBackward& op, int64_t begin, int64_t end);
    /// y = gelu(x + bias) in the erf form, for rows; `derivative` gets dy/dx, or is null. It may
    /// be `x`.
    void (*bias_gelu)(
        const float* x, const float* bias, float* y, float* derivative, int64_t width,
        int64_t begin, int64_t end);
    /// dx = dy * derivative for elements.
    void (*multiply)(
        const float* dy, const float* derivative, float* dx, int64_t begin, int64_t end);
    /// For work items: sequence * heads + head.
    void (*attention_forward)(const Attention& op, int64_t begin, int64_t end);
    void (*attention_backward)(
        const Attention& op, const AttentionGradient& gradient, int64_t begin, int64_t end);
    /// For elements.
    void (*adam_step)(const AdamStep& op, int64_t begin, int64_t end);
};

/// The kernels for the best instruction set of this processor.
const Kernels& kernels();

}  // namespace mts
