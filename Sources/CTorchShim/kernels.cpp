// `build` compiles this file once for each instruction set and names it by MTS_LEVEL; nothing in it
// may be an inline function that another file shares, or the linker could mix the sets.
#include "kernels.h"

#include "attention_kernels.h"
#include "lanes.h"

namespace mts {
namespace {

void dropout(const float* x, float* y, int64_t begin, int64_t end, Dropout dropout) {
    int64_t i = begin;
    for (; i + lane_count <= end; i += lane_count) store(y + i, drop(load(x + i), dropout, i));
    if (i == end) return;
    float tail[lane_count] = {};
    memcpy(tail, x + i, (end - i) * sizeof(float));
    store(tail, drop(load(tail), dropout, i));
    memcpy(y + i, tail, (end - i) * sizeof(float));
}

void add_norm_forward(const NormForward& op, int64_t begin, int64_t end) {
    const int64_t width = op.width;
    for (int64_t row = begin; row < end; row++) {
        const int64_t start = row * width;
        float* kept = op.normalized + start;
        Lanes total{};
        for (int64_t i = 0; i < width; i += lane_count) {
            Lanes value = load(op.x + start + i) + load(op.bias + i);
            if (op.dropout.threshold) value = drop(value, op.dropout, start + i);
            value += load(op.residual + start + i);
            store(kept + i, value);
            total += value;
        }
        const float mean = sum(total) / width;
        Lanes squares{};
        for (int64_t i = 0; i < width; i += lane_count) {
            Lanes value = load(kept + i) - mean;
            squares += value * value;
        }
        const float inverse = 1 / sqrtf(sum(squares) / width + op.epsilon);
        op.inverse_deviation[row] = inverse;
        for (int64_t i = 0; i < width; i += lane_count) {
            Lanes value = (load(kept + i) - mean) * inverse;
            store(kept + i, value);
            store(op.y + start + i, value * load(op.gamma + i) + load(op.beta + i));
        }
    }
}

void add_norm_backward(const NormBackward& op, int64_t begin, int64_t end) {
    const int64_t width = op.width;
    for (int64_t row = begin; row < end; row++) {
        const int64_t start = row * width;
        Lanes total{}, product{};
        for (int64_t i = 0; i < width; i += lane_count) {
            Lanes value = load(op.dy + start + i) * load(op.gamma + i);
            total += value;
            product += value * load(op.normalized + start + i);
        }
        const float mean = sum(total) / width, mean_product = sum(product) / width;
        const float inverse = op.inverse_deviation[row];
        for (int64_t i = 0; i < width; i += lane_count) {
            Lanes value = load(op.dy + start + i) * load(op.gamma + i);
            value = (value - mean - load(op.normalized + start + i) * mean_product) * inverse;
            store(op.d_residual + start + i, value);
            if (op.d_x) store(op.d_x + start + i, drop(value, op.dropout, start + i));
        }
    }
}

/// Abramowitz & Stegun 7.1.26: erf to 1.5e-7, with the exponential that the derivative needs too.
void bias_gelu(
    const float* x, const float* bias, float* y, float* derivative, int64_t width, int64_t begin,
    int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        const int64_t start = row * width;
        for (int64_t i = 0; i < width; i += lane_count) {
            Lanes value = load(x + start + i) + load(bias + i);
            Lanes size = choose(value < Lanes{}, -value, value) * 0.70710678f;
            Lanes bell = exponential(-size * size);
            Lanes t = 1.0f / (size * 0.3275911f + 1.0f);
            Lanes tail = spread(1.061405429f);
            tail = tail * t - 1.453152027f;
            tail = tail * t + 1.421413741f;
            tail = tail * t - 0.284496736f;
            tail = tail * t + 0.254829592f;
            tail = tail * t * bell * 0.5f;
            Lanes share = choose(value < Lanes{}, tail, 1.0f - tail);
            store(y + start + i, value * share);
            if (derivative) store(derivative + start + i, share + value * bell * 0.39894228f);
        }
    }
}

void multiply(
    const float* dy, const float* derivative, float* dx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) dx[i] = dy[i] * derivative[i];
}

void adam_step(const AdamStep& op, int64_t begin, int64_t end) {
    const float *gradients = op.gradient;
    float *parameters = op.parameter, *firsts = op.first_moment, *seconds = op.second_moment;
    const AdamStep local = op;
    for (int64_t i = begin; i < end; i++) {
        const float gradient = gradients[i] * local.gradient_scale;
        const float first = firsts[i] + (gradient - firsts[i]) * (1 - local.beta1);
        const float second = seconds[i] * local.beta2 + gradient * gradient * (1 - local.beta2);
        const float root = sqrtf(second) * local.inverse_root_correction2 + local.epsilon;
        parameters[i] = parameters[i] * local.decay - local.step_size * first / root;
        firsts[i] = first;
        seconds[i] = second;
    }
}

}  // namespace

extern const Kernels MTS_LEVEL;
const Kernels MTS_LEVEL = {
    dropout,  add_norm_forward,  add_norm_backward,  bias_gelu,
    multiply, attention_forward, attention_backward, adam_step,
};

}  // namespace mts
