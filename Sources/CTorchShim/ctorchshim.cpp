#include "ctorchshim.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "functions.h"
#include "handles.h"

using mts::device_at;
using mts::extents;
using mts::give;
using mts::guarded;

std::string& mts::last_error() {
    static thread_local std::string message;
    return message;
}

uint64_t& mts::time_inside() {
    static thread_local uint64_t nanoseconds = 0;
    return nanoseconds;
}

namespace {

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

const char* mts_last_error(void) { return mts::last_error().c_str(); }

uint64_t mts_nanoseconds_inside(void) { return mts::time_inside(); }

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
        // Convolutions choose algorithms that give the same result each time.
        at::globalContext().setDeterministicCuDNN(true);
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

void mts_free(mts_tensor* tensor) {
    guarded([&] { delete tensor; });
}

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

int mts_to_bfloat16(const mts_tensor* x, mts_tensor** result) {
    return give(result, [&] { return x->value.to(at::kBFloat16); });
}
