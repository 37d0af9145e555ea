#include "kernels.h"

namespace mts {

#if defined(__x86_64__)

extern const Kernels kernels_v4, kernels_v3, kernels_v2;

const Kernels& kernels() {
    static const Kernels& best = __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        ? kernels_v4
        : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? kernels_v3
                                                                          : kernels_v2;
    return best;
}

#else

extern const Kernels kernels_base;

const Kernels& kernels() { return kernels_base; }

#endif

}  // namespace mts
