#include "functions.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include "kernels.h"

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

namespace mts {

bool& fused_allowed() {
    static bool allowed = true;
    return allowed;
}

namespace {

bool can_fuse(const Tensor& x, int64_t width) {
    return fused_allowed() && x.is_cpu() && x.scalar_type() == at::kFloat
        && width % lane_count == 0;
}

float* floats(const Tensor& x) { return x.data_ptr<float>(); }

Dropout saved_dropout(AutogradContext* context) {
    return make_dropout(
        context->saved_data["probability"].toDouble(),
        static_cast<uint64_t>(context->saved_data["seed"].toInt()));
}

void save_dropout(AutogradContext* context, double probability, uint64_t seed) {
    context->saved_data["probability"] = probability;
    context->saved_data["seed"] = static_cast<int64_t>(seed);
}

/// Elements, rows and work items that are worth a thread of their own.
constexpr int64_t element_grain = 16384;
int64_t row_grain(int64_t width) { return std::max<int64_t>(1, element_grain / width); }

// -- Dropout -------------------------------------------------------------------------------------

Tensor drop_elements(const Tensor& x, const Dropout& dropout) {
    const Tensor source = x.contiguous();
    Tensor result = at::empty_like(source);
    const float* from = floats(source);
    float* to = floats(result);
    at::parallel_for(0, source.numel(), element_grain, [&](int64_t begin, int64_t end) {
        kernels().dropout(from, to, begin, end, dropout);
    });
    return result;
}

struct DropoutFunction : Function<DropoutFunction> {
    static Tensor forward(
        AutogradContext* context, const Tensor& x, double probability, int64_t seed) {
        save_dropout(context, probability, static_cast<uint64_t>(seed));
        return drop_elements(x, saved_dropout(context));
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        return {drop_elements(gradients[0], saved_dropout(context)), Tensor(), Tensor()};
    }
};

/// The same with libtorch's operations: another mask, the same distribution.
Tensor composite_dropout(const Tensor& x, double probability, uint64_t seed) {
    if (probability <= 0) return x;
    at::Generator generator;
    if (x.is_cpu()) {
        generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    } else {
        generator = at::globalContext().defaultGenerator(x.device()).clone();
        generator.set_current_seed(seed);
    }
    Tensor mask = at::empty_like(x, x.options().requires_grad(false));
    mask.bernoulli_(1 - probability, generator).div_(1 - probability);
    return x * mask;
}

// -- Dropout, residual and layer norm ------------------------------------------------------------

struct AddNormFunction : Function<AddNormFunction> {
    static Tensor forward(
        AutogradContext* context, const Tensor& x, const Tensor& bias, const Tensor& residual,
        const Tensor& gamma, const Tensor& beta, double epsilon, double probability,
        int64_t seed) {
        const Tensor input = x.contiguous(), kept = residual.contiguous();
        const int64_t rows = input.size(0), width = input.size(1);
        Tensor result = at::empty_like(input), normalized = at::empty_like(input);
        Tensor deviation = at::empty({rows}, input.options());
        save_dropout(context, probability, static_cast<uint64_t>(seed));
        const NormForward op{
            floats(input), floats(bias), floats(kept), floats(gamma), floats(beta),
            floats(result), floats(normalized), floats(deviation), width,
            static_cast<float>(epsilon), saved_dropout(context)};
        at::parallel_for(0, rows, row_grain(width), [&](int64_t begin, int64_t end) {
            kernels().add_norm_forward(op, begin, end);
        });
        context->save_for_backward({normalized, deviation, gamma});
        return result;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const Tensor change = gradients[0].contiguous();
        const int64_t rows = change.size(0), width = change.size(1);
        const Dropout dropout = saved_dropout(context);
        const bool needs_x = context->needs_input_grad(0);
        const bool needs_bias = context->needs_input_grad(1);
        Tensor d_residual = at::empty_like(change), d_x = d_residual;
        if (dropout.threshold && (needs_x || needs_bias)) d_x = at::empty_like(change);
        const NormBackward op{
            floats(change), floats(saved[0]), floats(saved[1]), floats(saved[2]),
            floats(d_residual), d_x.is_same(d_residual) ? nullptr : floats(d_x), width, dropout};
        at::parallel_for(0, rows, row_grain(width), [&](int64_t begin, int64_t end) {
            kernels().add_norm_backward(op, begin, end);
        });
        Tensor d_bias, d_gamma, d_beta;
        if (needs_bias) d_bias = d_x.sum(0);
        if (context->needs_input_grad(3)) d_gamma = (change * saved[0]).sum(0);
        if (context->needs_input_grad(4)) d_beta = change.sum(0);
        if (!context->needs_input_grad(2)) d_residual = Tensor();
        const Tensor none;
        return {needs_x ? d_x : none, d_bias, d_residual, d_gamma, d_beta, none, none, none};
    }
};

// -- GELU ----------------------------------------------------------------------------------------

struct BiasGeluFunction : Function<BiasGeluFunction> {
    static Tensor forward(
        AutogradContext* context, const Tensor& x, const Tensor& bias, bool needs_gradient) {
        const Tensor input = x.contiguous();
        const int64_t rows = input.size(0), width = input.size(1);
        Tensor result = at::empty_like(input);
        float *from = floats(input), *to = floats(result);
        float* derivative = needs_gradient ? from : nullptr;
        const float* shift = floats(bias);
        at::parallel_for(0, rows, row_grain(width), [&](int64_t begin, int64_t end) {
            kernels().bias_gelu(from, shift, to, derivative, width, begin, end);
        });
        // The input's memory holds the derivative now; the linear map it came from needs no output.
        if (needs_gradient) context->saved_data["derivative"] = input.detach();
        return result;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const Tensor derivative = context->saved_data["derivative"].toTensor();
        const Tensor change = gradients[0].contiguous();
        Tensor result = at::empty_like(change);
        const float *left = floats(change), *right = floats(derivative);
        float* to = floats(result);
        at::parallel_for(0, change.numel(), element_grain, [&](int64_t begin, int64_t end) {
            kernels().multiply(left, right, to, begin, end);
        });
        const Tensor d_bias = context->needs_input_grad(1) ? result.sum(0) : Tensor();
        return {result, d_bias, Tensor()};
    }
};

// -- A linear map with LoRA ----------------------------------------------------------------------

/// Where adapter `b`'s rows of a [.., rows] tensor lie.
Tensor rows_of(const Tensor& y, int dimension, int64_t first_row, const Tensor& b) {
    return y.narrow(dimension, first_row, b.size(0));
}

struct LoRALinearFunction : Function<LoRALinearFunction> {
    static Tensor forward(
        AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
        const Tensor& a1, const Tensor& b1, const Tensor& a2, const Tensor& b2, int64_t first1,
        int64_t first2, double scale) {
        Tensor merged = weight.clone();
        rows_of(merged, 0, first1, b1).addmm_(b1, a1, 1, scale);
        rows_of(merged, 0, first2, b2).addmm_(b2, a2, 1, scale);
        context->save_for_backward({x, merged, a1, b1, a2, b2});
        context->saved_data["first1"] = first1;
        context->saved_data["first2"] = first2;
        context->saved_data["scale"] = scale;
        return at::addmm(bias, x, merged.t());
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const Tensor &x = saved[0], &merged = saved[1], &a1 = saved[2], &b1 = saved[3];
        const Tensor &a2 = saved[4], &b2 = saved[5], &change = gradients[0];
        const double scale = context->saved_data["scale"].toDouble();
        const Tensor change1 = rows_of(change, 1, context->saved_data["first1"].toInt(), b1);
        const Tensor change2 = rows_of(change, 1, context->saved_data["first2"].toInt(), b2);
        const int64_t rank1 = a1.size(0), rank2 = a2.size(0);
        const Tensor inner = x.mm(at::cat({a1, a2}).t()).mul_(scale);
        const Tensor d_b1 = change1.t().mm(inner.narrow(1, 0, rank1));
        const Tensor d_b2 = change2.t().mm(inner.narrow(1, rank1, rank2));
        Tensor d_inner = at::empty({x.size(0), rank1 + rank2}, x.options());
        Tensor part1 = d_inner.narrow(1, 0, rank1), part2 = d_inner.narrow(1, rank1, rank2);
        at::mm_out(part1, change1, b1);
        at::mm_out(part2, change2, b2);
        const Tensor d_a = d_inner.t().mm(x).mul_(scale);
        const Tensor none;
        const Tensor d_x = context->needs_input_grad(0) ? change.mm(merged) : none;
        return {d_x,  none, none, d_a.narrow(0, 0, rank1),    d_b1, d_a.narrow(0, rank1, rank2),
                d_b2, none, none, none};
    }
};

}  // namespace

Tensor dropout(const Tensor& x, double probability, uint64_t seed) {
    if (probability <= 0) return x;
    if (!can_fuse(x, lane_count)) return composite_dropout(x, probability, seed);
    return DropoutFunction::apply(x, probability, static_cast<int64_t>(seed));
}

Tensor add_norm(
    const Tensor& x, const Tensor& bias, const Tensor& residual, const Tensor& gamma,
    const Tensor& beta, double epsilon, double probability, uint64_t seed) {
    if (!can_fuse(x, x.size(1))) {
        const Tensor sum = composite_dropout(x + bias, probability, seed) + residual;
        return at::layer_norm(sum, {x.size(1)}, gamma, beta, epsilon);
    }
    return AddNormFunction::apply(
        x, bias, residual, gamma, beta, epsilon, probability, static_cast<int64_t>(seed));
}

Tensor bias_gelu(const Tensor& x, const Tensor& bias) {
    if (!can_fuse(x, x.size(1))) return at::gelu(x + bias);
    const bool needs_gradient =
        at::GradMode::is_enabled() && (x.requires_grad() || bias.requires_grad());
    return BiasGeluFunction::apply(x, bias, needs_gradient);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
    if (weight.scalar_type() == at::kBFloat16) {
        const Tensor product = x.to(at::kBFloat16).mm(weight.t()).to(at::kFloat);
        return bias.defined() ? product + bias : product;
    }
    return bias.defined() ? at::addmm(bias, x, weight.t()) : x.mm(weight.t());
}

Tensor run_linear(
    const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& row_offsets) {
    const int64_t runs = weight.size(0);
    if (runs == 1) return at::addmm(bias.select(0, 0), x, weight.select(0, 0).t());
    const int64_t* first = row_offsets.data_ptr<int64_t>();
    std::vector<Tensor> parts;
    for (int64_t run = 0; run < runs; run++) {
        const Tensor rows = x.narrow(0, first[run], first[run + 1] - first[run]);
        parts.push_back(at::addmm(bias.select(0, run), rows, weight.select(0, run).t()));
    }
    return at::cat(parts);
}

namespace {

/// `y + scale · x Aᵀ Bᵀ` in the update's columns, each run's rows with its own A and B.
Tensor add_update(
    const Tensor& y, const Tensor& x, const Update& update, double scale,
    const Tensor& row_offsets) {
    const int64_t runs = update.a.size(0);
    const int64_t* first = runs == 1 ? nullptr : row_offsets.data_ptr<int64_t>();
    std::vector<Tensor> parts;
    for (int64_t run = 0; run < runs; run++) {
        const Tensor rows = first ? x.narrow(0, first[run], first[run + 1] - first[run]) : x;
        parts.push_back(
            rows.mm(update.a.select(0, run).t()).mm(update.b.select(0, run).t()) * scale);
    }
    const Tensor change = at::cat(parts);
    const int64_t after = y.size(1) - update.first_row - change.size(1);
    return y + at::constant_pad_nd(change, {update.first_row, after});
}

}  // namespace

Tensor lora_linear(
    const Tensor& x, const Tensor& weight, const Tensor& bias, const Update& first,
    const Update& second, double scale, const Tensor& row_offsets) {
    if (first.a.size(0) > 1 || weight.scalar_type() != at::kFloat) {
        Tensor y = add_update(linear(x, weight, bias), x, first, scale, row_offsets);
        return second.a.defined() ? add_update(y, x, second, scale, row_offsets) : y;
    }
    const Tensor a1 = first.a.select(0, 0), b1 = first.b.select(0, 0);
    if (second.a.defined())
        return LoRALinearFunction::apply(
            x, weight, bias, a1, b1, second.a.select(0, 0), second.b.select(0, 0),
            first.first_row, second.first_row, scale);
    // With one update, the other is one of rank 0.
    const Tensor none_a = at::zeros({0, x.size(1)}, x.options().requires_grad(false));
    const Tensor none_b = at::zeros({weight.size(0), 0}, none_a.options());
    return LoRALinearFunction::apply(
        x, weight, bias, a1, b1, none_a, none_b, first.first_row, int64_t{0}, scale);
}

double sgd_step(
    Tensor& parameter, const Tensor& gradient, Tensor& velocity, double learning_rate,
    double momentum, double weight_decay, double clip) {
    const at::NoGradGuard guard;
    const double norm = at::linalg_vector_norm(gradient).item<double>();
    if (!std::isfinite(norm)) return norm;
    const double factor = clip > 0 ? std::min(1.0, clip / (norm + 1e-6)) : 1.0;
    velocity.mul_(momentum).add_(gradient, factor).add_(parameter, weight_decay);
    parameter.add_(velocity, -learning_rate);
    return norm;
}

double adamw_step(
    Tensor& parameter, const Tensor& gradient, Tensor& first_moment, Tensor& second_moment,
    int64_t step, double learning_rate, double beta1, double beta2, double epsilon,
    double weight_decay, double clip) {
    const at::NoGradGuard guard;
    const double norm = at::linalg_vector_norm(gradient).item<double>();
    if (!std::isfinite(norm)) return norm;
    const double factor = clip > 0 ? std::min(1.0, clip / (norm + 1e-6)) : 1.0;
    const double correction1 = 1 - std::pow(beta1, static_cast<double>(step));
    const double correction2 = 1 - std::pow(beta2, static_cast<double>(step));
    if (!can_fuse(parameter, lane_count) || !gradient.is_contiguous()) {
        const Tensor scaled = gradient * factor;
        parameter.mul_(1 - learning_rate * weight_decay);
        first_moment.lerp_(scaled, 1 - beta1);
        second_moment.mul_(beta2).addcmul_(scaled, scaled, 1 - beta2);
        const Tensor root = (second_moment.sqrt() / std::sqrt(correction2)).add_(epsilon);
        parameter.addcdiv_(first_moment, root, -learning_rate / correction1);
        return norm;
    }
    const AdamStep op{
        floats(parameter), floats(first_moment), floats(second_moment), floats(gradient),
        static_cast<float>(factor), static_cast<float>(1 - learning_rate * weight_decay),
        static_cast<float>(beta1), static_cast<float>(beta2),
        static_cast<float>(learning_rate / correction1),
        static_cast<float>(1 / std::sqrt(correction2)), static_cast<float>(epsilon)};
    at::parallel_for(0, parameter.numel(), element_grain, [&](int64_t begin, int64_t end) {
        kernels().adam_step(op, begin, end);
    });
    return norm;
}

}  // namespace mts
