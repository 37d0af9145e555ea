// Differentiable operations of the training core: fused kernels on the processor, libtorch's own
// operations elsewhere.
#pragma once
#include <ATen/core/Tensor.h>

namespace mts {

/// Whether the fused kernels may be used; `mts_set_fused`.
bool& fused_allowed();

at::Tensor dropout(const at::Tensor& x, double probability, uint64_t seed);

at::Tensor add_norm(
    const at::Tensor& x, const at::Tensor& bias, const at::Tensor& residual,
    const at::Tensor& gamma, const at::Tensor& beta, double epsilon, double probability,
    uint64_t seed);

at::Tensor bias_gelu(const at::Tensor& x, const at::Tensor& bias);

/// x · weightᵀ + bias in the weight's type; the bias may be undefined.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// `row_offsets`: the first row of each run in x, and the number of rows.
at::Tensor run_linear(
    const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
    const at::Tensor& row_offsets);

struct Update {
    /// [runs, r, n] and [runs, m, r]
    at::Tensor a, b;
    int64_t first_row = 0;
};

at::Tensor lora_linear(
    const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const Update& first,
    const Update& second, double scale, const at::Tensor& row_offsets);

at::Tensor attention(
    const at::Tensor& query, const at::Tensor& packed, const at::Tensor& query_offsets,
    const at::Tensor& key_offsets, int64_t heads, const at::Tensor& relative, int64_t prefix,
    double probability, uint64_t seed);

/// Gives the gradient's norm.
double sgd_step(
    at::Tensor& parameter, const at::Tensor& gradient, at::Tensor& velocity, double learning_rate,
    double momentum, double weight_decay, double clip);

/// Gives the gradient's norm.
double adamw_step(
    at::Tensor& parameter, const at::Tensor& gradient, at::Tensor& first_moment,
    at::Tensor& second_moment, int64_t step, double learning_rate, double beta1, double beta2,
    double epsilon, double weight_decay, double clip);

}  // namespace mts
