// What the C functions share: the handle, and the barrier that no exception passes.
#pragma once
#include <ATen/ATen.h>

#include <chrono>
#include <string>

#include "ctorchshim.h"

struct mts_tensor {
    at::Tensor value;
};

namespace mts {

/// Why this thread's last call failed.
std::string& last_error();
/// Nanoseconds this thread has spent in the library.
uint64_t& time_inside();

/// Runs `body`, counts its time, and turns any exception into a status and a message.
template <typename Body>
int guarded(Body body) {
    const auto start = std::chrono::steady_clock::now();
    int status = 1;
    try {
        body();
        status = 0;
    } catch (const c10::Error& error) {
        last_error() = error.what_without_backtrace();
    } catch (const std::exception& error) {
        last_error() = error.what();
    } catch (...) {
        last_error() = "libtorch failed without a message";
    }
    time_inside() += static_cast<uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count());
    return status;
}

template <typename Body>
int give(mts_tensor** result, Body body) {
    return guarded([&] { *result = new mts_tensor{body()}; });
}

inline at::Tensor value_or_none(const mts_tensor* tensor) {
    return tensor ? tensor->value : at::Tensor();
}

inline at::IntArrayRef extents(const int64_t* shape, int rank) {
    return at::IntArrayRef(shape, static_cast<size_t>(rank));
}

/// -1 is the processor.
inline at::Device device_at(int index) {
    return index < 0 ? at::Device(at::kCPU)
                     : at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

}  // namespace mts
