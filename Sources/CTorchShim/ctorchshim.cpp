#include "ctorchshim.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <string>

#include "functions.h"

struct mts_tensor {
    at::Tensor value;
};

namespace {

thread_local std::string last_error;

/// Runs `body` and turns any exception into a status and a message.
template <typename Body>
int guarded(Body body) {
    try {
        body();
        return 0;
    } catch (const c10::Error& error) {
        last_error = error.what_without_backtrace();
    } catch (const std::exception& error) {
        last_error = error.what();
    } catch (...) {
        last_error = "libtorch failed without a message";
    }
    return 1;
}

template <typename Body>
int give(mts_tensor** result, Body body) {
    return guarded([&] { *result = new mts_tensor{body()}; });
}

at::Tensor value_or_none(const mts_tensor* tensor) {
    return tensor ? tensor->value : at::Tensor();
}

at::IntArrayRef extents(const int64_t* shape, int rank) {
    return at::IntArrayRef(shape, static_cast<size_t>(rank));
}

at::Device device_at(int index) {
    return index < 0 ? at::Device(at::kCPU)
                     : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

at::Tensor copy(
    const void* values, const int64_t* shape, int rank, at::ScalarType type, int device) {
    const at::Tensor borrowed =
        at::from_blob(const_cast<void*>(values), extents(shape, rank), at::dtype(type));
    return device < 0 ? borrowed.clone() : borrowed.to(device_at(device));
}

/// Keeps freed activations in the process: fresh pages for every step cost more than the memory.
void keep_memory() {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

}  // namespace

const char* mts_last_error(void) { return last_error.c_str(); }

const char* mts_torch_version(void) { return TORCH_VERSION; }

int mts_set_threads(int threads) {
    return guarded([&] {
        static const bool prepared = [] {
            keep_memory();
            at::set_num_interop_threads(1);
            return true;
        }();
        (void)prepared;
        at::set_num_threads(threads);
    });
}

int mts_open_cuda(int index) {
    return guarded([&] {
        static void* library = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
        if (!library) {
            const char* reason = dlerror();
            TORCH_CHECK(false, "libtorch_cuda.so cannot be loaded: ", reason ? reason : "");
        }
        TORCH_CHECK(at::hasCUDA(), "this libtorch has no CUDA, or there is no driver");
        const auto count = at::detail::getCUDAHooks().deviceCount();
        TORCH_CHECK(index < count, "there is no CUDA device ", index, ", only ", count);
    });
}

void mts_set_recording(bool recording) { at::GradMode::set_enabled(recording); }

void mts_set_fused(bool fused) { mts::fused_allowed() = fused; }

int mts_from_floats(
    const float* values, const int64_t* shape, int rank, int device, mts_tensor** result) {
    return give(result, [&] { return copy(values, shape, rank, at::kFloat, device); });
}

int mts_from_indices(
    const int64_t* values, const int64_t* shape, int rank, int device, mts_tensor** result) {
    return give(result, [&] { return copy(values, shape, rank, at::kLong, device); });
}

int mts_zeros_like(const mts_tensor* like, mts_tensor** result) {
    return give(result, [&] {
        return at::zeros_like(like->value, like->value.options().requires_grad(false));
    });
}

void mts_free(mts_tensor* tensor) { delete tensor; }

int64_t mts_count(const mts_tensor* tensor) { return tensor->value.numel(); }

int mts_rank(const mts_tensor* tensor) { return static_cast<int>(tensor->value.dim()); }

int64_t mts_extent(const mts_tensor* tensor, int dimension) {
    return tensor->value.sizes()[static_cast<size_t>(dimension)];
}

int mts_copy_floats(const mts_tensor* tensor, float* values, int64_t count) {
    return guarded([&] {
        const at::Tensor source =
            tensor->value.detach().to(at::kCPU, at::kFloat).contiguous();
        TORCH_CHECK(source.numel() == count, "the tensor has ", source.numel(), " values");
        std::memcpy(values, source.data_ptr<float>(), static_cast<size_t>(count) * sizeof(float));
    });
}

int mts_require_gradient(mts_tensor* tensor) {
    return guarded([&] { tensor->value.set_requires_grad(true); });
}

int mts_gradient(const mts_tensor* loss, const mts_tensor* leaf, mts_tensor** result) {
    return give(result, [&] {
        return torch::autograd::grad({loss->value}, {leaf->value})[0].contiguous();
    });
}

int mts_reshape(const mts_tensor* x, const int64_t* shape, int rank, mts_tensor** result) {
    return give(result, [&] { return x->value.reshape(extents(shape, rank)); });
}

int mts_split(const mts_tensor* x, const int64_t* sizes, int count, mts_tensor** results) {
    return guarded([&] {
        const auto pieces = at::split_with_sizes(x->value, extents(sizes, count));
        for (int i = 0; i < count; i++) results[i] = new mts_tensor{pieces[static_cast<size_t>(i)]};
    });
}

int mts_add(const mts_tensor* x, const mts_tensor* y, mts_tensor** result) {
    return give(result, [&] { return x->value + y->value; });
}

int mts_tanh(const mts_tensor* x, mts_tensor** result) {
    return give(result, [&] { return at::tanh(x->value); });
}

int mts_matrix_vector(const mts_tensor* matrix, const mts_tensor* vector, mts_tensor** result) {
    return give(result, [&] { return at::mv(matrix->value, vector->value); });
}

int mts_select_rows(const mts_tensor* x, const mts_tensor* rows, mts_tensor** result) {
    return give(result, [&] { return x->value.index_select(0, rows->value); });
}

int mts_linear(
    const mts_tensor* x, const mts_tensor* weight, const mts_tensor* bias, mts_tensor** result) {
    return give(result, [&] {
        const at::Tensor transposed = weight->value.t();
        return bias ? at::addmm(bias->value, x->value, transposed) : x->value.mm(transposed);
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

int mts_cross_entropy(const mts_tensor* logits, const mts_tensor* labels, mts_tensor** result) {
    return give(result, [&] { return at::cross_entropy_loss(logits->value, labels->value); });
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
    mts_tensor** result) {
    return give(result, [&] {
        mts::Adapter adapters[2];
        TORCH_CHECK(count == 1 || count == 2, "one or two adapters, not ", count);
        for (int i = 0; i < count; i++) adapters[i] = {a[i]->value, b[i]->value, first_rows[i]};
        return mts::lora_linear(
            x->value, weight->value, bias->value, adapters[0], adapters[1], scale);
    });
}

int mts_attention(
    const mts_tensor* query, const mts_tensor* packed, const mts_tensor* offsets, int64_t heads,
    double probability, uint64_t seed, mts_tensor** result) {
    return give(result, [&] {
        return mts::attention(
            value_or_none(query), packed->value, offsets->value, heads, probability, seed);
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
