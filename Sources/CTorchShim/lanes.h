// Vectors of 16 floats, and what the kernels compute with them. Included by kernels.cpp alone, once
// for each instruction set.
#pragma once
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#define MTS_INLINE static inline __attribute__((always_inline))

namespace mts {
namespace {

typedef float Lanes __attribute__((vector_size(64)));
typedef int32_t IntLanes __attribute__((vector_size(64)));
typedef uint32_t WordLanes __attribute__((vector_size(64)));

MTS_INLINE Lanes load(const float* from) {
    Lanes value;
    memcpy(&value, from, sizeof value);
    return value;
}

MTS_INLINE void store(float* to, Lanes value) { memcpy(to, &value, sizeof value); }

MTS_INLINE Lanes spread(float value) { return Lanes{} + value; }

MTS_INLINE Lanes choose(IntLanes mask, Lanes yes, Lanes no) { return mask ? yes : no; }

MTS_INLINE float sum(Lanes value) {
    float total[lane_count];
    store(total, value);
    for (int step = lane_count / 2; step > 0; step /= 2)
        for (int i = 0; i < step; i++) total[i] += total[i + step];
    return total[0];
}

MTS_INLINE float largest(Lanes value) {
    float most[lane_count];
    store(most, value);
    for (int step = lane_count / 2; step > 0; step /= 2)
        for (int i = 0; i < step; i++) most[i] = fmaxf(most[i], most[i + step]);
    return most[0];
}

/// e^x for x <= 88; 0 below -87. Relative error below 2e-7 (Cephes' polynomial).
MTS_INLINE Lanes exponential(Lanes x) {
    x = choose(x > spread(-87.3f), x, spread(-87.3f));
    const float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    Lanes shifted = x * 1.44269504f + rounder;
    Lanes power = shifted - rounder;
    Lanes rest = x - power * 0.693359375f;
    rest = rest - power * -2.12194440e-4f;
    Lanes y = spread(1.9875691500e-4f);
    y = y * rest + 1.3981999507e-3f;
    y = y * rest + 8.3334519073e-3f;
    y = y * rest + 4.1665795894e-2f;
    y = y * rest + 1.6666665459e-1f;
    y = y * rest + 5.0000001201e-1f;
    y = y * rest * rest + rest + 1.0f;
    IntLanes exponent;
    memcpy(&exponent, &shifted, sizeof exponent);
    IntLanes bits;
    memcpy(&bits, &y, sizeof bits);
    bits += exponent << 23;
    Lanes result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

/// Two rounds of Wellons' 32-bit integer hash over index + seed.
MTS_INLINE WordLanes draw(uint64_t seed, uint32_t index) {
    WordLanes word = WordLanes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    word += index + static_cast<uint32_t>(seed);
    for (int round = 0; round < 2; round++) {
        word ^= word >> 16;
        word *= 0x7feb352du;
        word ^= word >> 15;
        word *= 0x846ca68bu;
        word ^= word >> 16;
        word ^= static_cast<uint32_t>(seed >> 32);
    }
    return word;
}

MTS_INLINE Lanes drop(Lanes x, const Dropout& dropout, int64_t index) {
    WordLanes word = draw(dropout.seed, static_cast<uint32_t>(index));
    return choose(word >= (WordLanes{} + dropout.threshold), x * dropout.scale, Lanes{});
}

}  // namespace
}  // namespace mts
