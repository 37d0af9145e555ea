#include "kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// `build` compiles this file once for each instruction set and names it by MTS_LEVEL; nothing in it
// may be an inline function that another file shares, or the linker could mix the sets.
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

/// `c[i] = sum over k of a(i, k) * b[k]` for `count` rows of `vectors` registers. `a(i, k)` is
/// `a[i * a_row + k * a_column]`.
template <int rows, int vectors>
MTS_INLINE void tile(
    int64_t depth, const float* a, int64_t a_row, int64_t a_column, const float* b, int64_t b_row,
    float* c, int64_t c_row) {
    Lanes total[rows][vectors] = {};
    for (int64_t k = 0; k < depth; k++) {
        Lanes right[vectors];
        for (int v = 0; v < vectors; v++) right[v] = load(b + k * b_row + v * lane_count);
        for (int i = 0; i < rows; i++) {
            const float left = a[i * a_row + k * a_column];
            for (int v = 0; v < vectors; v++) total[i][v] += right[v] * left;
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) store(c + i * c_row + v * lane_count, total[i][v]);
}

template <int vectors>
MTS_INLINE void tile_rows(
    int64_t rows, int64_t depth, const float* a, int64_t a_row, int64_t a_column, const float* b,
    int64_t b_row, float* c, int64_t c_row) {
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4)
        tile<4, vectors>(depth, a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row);
    for (; i < rows; i++)
        tile<1, vectors>(depth, a + i * a_row, a_row, a_column, b, b_row, c + i * c_row, c_row);
}

/// `c = a · b` with `rows` rows and `width` columns, a multiple of `lane_count`.
MTS_INLINE void product(
    int64_t rows, int64_t width, int64_t depth, const float* a, int64_t a_row, int64_t a_column,
    const float* b, int64_t b_row, float* c, int64_t c_row) {
    int64_t j = 0;
    for (; j + 2 * lane_count <= width; j += 2 * lane_count)
        tile_rows<2>(rows, depth, a, a_row, a_column, b + j, b_row, c + j, c_row);
    if (j < width) tile_rows<1>(rows, depth, a, a_row, a_column, b + j, b_row, c + j, c_row);
}

int64_t padded(int64_t count) { return (count + lane_count - 1) / lane_count * lane_count; }

/// Floats that grow and are never given back before the thread ends.
struct Buffer {
    float* floats = nullptr;
    int64_t capacity = 0;

    ~Buffer() { free(floats); }

    void fit(int64_t count) {
        if (count <= capacity) return;
        free(floats);
        floats = static_cast<float*>(aligned_alloc(64, padded(count) * sizeof(float)));
        if (!floats) abort();
        capacity = count;
    }

    float* data() { return floats; }
};

/// One sequence's rows of one head, with the bias added, and the scratch to work on them.
struct Scratch {
    Buffer query, key, value, transposed, scores, change;
    int64_t width = 0;

    void fit(int64_t queries, int64_t keys, int64_t head_width) {
        width = padded(keys);
        query.fit(queries * head_width);
        key.fit(keys * head_width);
        value.fit(keys * head_width);
        transposed.fit(head_width * width);
        scores.fit(queries * width);
        change.fit(queries * width);
    }
};

MTS_INLINE void copy_rows(
    const float* from, int64_t stride, const float* bias, int64_t rows, int64_t width, float* to) {
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = 0; i < width; i += lane_count) {
            Lanes value = load(from + row * stride + i);
            if (bias) value += load(bias + i);
            store(to + row * width + i, value);
        }
}

/// `to[column][row] = from[row][column]`, zero beyond the last row.
MTS_INLINE void transpose(
    const float* from, int64_t rows, int64_t columns, float* to, int64_t to_width) {
    for (int64_t column = 0; column < columns; column++) {
        float* line = to + column * to_width;
        for (int64_t row = 0; row < rows; row++) line[row] = from[row * columns + column];
        for (int64_t row = rows; row < to_width; row++) line[row] = 0;
    }
}

/// Where a work item's rows lie.
struct Place {
    int64_t head, query_first, queries, key_first, keys, probability_first;

    Place(const Attention& op, int64_t item) {
        const int64_t sequence = item / op.heads;
        head = item % op.heads;
        query_first = op.query_offsets[sequence];
        queries = op.query_offsets[sequence + 1] - query_first;
        key_first = op.key_offsets[sequence];
        keys = op.key_offsets[sequence + 1] - key_first;
        probability_first = op.probability_offsets[sequence] * op.heads + head * queries * keys;
    }
};

/// Softmax of `scores` in place over `keys` entries, zero beyond them.
MTS_INLINE void softmax(float* scores, int64_t keys, int64_t width, float scale) {
    for (int64_t j = keys; j < width; j++) scores[j] = -INFINITY;
    Lanes most = spread(-INFINITY);
    for (int64_t j = 0; j < width; j += lane_count) {
        Lanes value = load(scores + j);
        most = choose(value > most, value, most);
    }
    const float top = largest(most) * scale;
    Lanes total{};
    for (int64_t j = 0; j < width; j += lane_count) {
        Lanes value = load(scores + j);
        Lanes weight = exponential(value * scale - top);
        weight = choose(value == spread(-INFINITY), Lanes{}, weight);
        store(scores + j, weight);
        total += weight;
    }
    const float inverse = 1 / sum(total);
    for (int64_t j = 0; j < width; j += lane_count) store(scores + j, load(scores + j) * inverse);
}

MTS_INLINE void drop_row(float* row, int64_t width, const Dropout& dropout, int64_t index) {
    for (int64_t j = 0; j < width; j += lane_count)
        store(row + j, drop(load(row + j), dropout, index + j));
}

MTS_INLINE void copy_head(const Attention& op, const Place& place, Scratch& scratch) {
    const int64_t width = op.head_width, column = place.head * width;
    const auto bias = [&](const float* all) { return all ? all + column : nullptr; };
    scratch.fit(place.queries, place.keys, width);
    copy_rows(
        op.query + place.query_first * op.query_stride + column, op.query_stride,
        bias(op.query_bias), place.queries, width, scratch.query.data());
    copy_rows(
        op.key + place.key_first * op.key_stride + column, op.key_stride, bias(op.key_bias),
        place.keys, width, scratch.key.data());
    copy_rows(
        op.value + place.key_first * op.key_stride + column, op.key_stride, bias(op.value_bias),
        place.keys, width, scratch.value.data());
}

void attention_forward(const Attention& op, int64_t begin, int64_t end) {
    static thread_local Scratch scratch;
    const int64_t head_width = op.head_width, context_stride = op.heads * head_width;
    for (int64_t item = begin; item < end; item++) {
        const Place place(op, item);
        copy_head(op, place, scratch);
        float* scores = scratch.scores.data();
        const int64_t width = scratch.width;
        transpose(scratch.key.data(), place.keys, head_width, scratch.transposed.data(), width);
        product(
            place.queries, width, head_width, scratch.query.data(), head_width, 1,
            scratch.transposed.data(), width, scores, width);
        for (int64_t i = 0; i < place.queries; i++) {
            float* row = scores + i * width;
            softmax(row, place.keys, width, op.scale);
            const int64_t index = place.probability_first + i * place.keys;
            if (op.probabilities)
                memcpy(op.probabilities + index, row, place.keys * sizeof(float));
            if (op.dropout.threshold) drop_row(row, width, op.dropout, index);
        }
        product(
            place.queries, head_width, place.keys, scores, width, 1, scratch.value.data(),
            head_width, op.context + place.query_first * context_stride + place.head * head_width,
            context_stride);
    }
}

void attention_backward(
    const Attention& op, const AttentionGradient& gradient, int64_t begin, int64_t end) {
    static thread_local Scratch scratch;
    const int64_t head_width = op.head_width, context_stride = op.heads * head_width;
    for (int64_t item = begin; item < end; item++) {
        const Place place(op, item);
        copy_head(op, place, scratch);
        const int64_t width = scratch.width, column = place.head * head_width;
        const int64_t key_start = place.key_first * op.key_stride + column;
        float *kept = scratch.scores.data(), *change = scratch.change.data();
        const float* d_context =
            gradient.d_context + place.query_first * context_stride + column;
        // The gradient of the dropped probabilities: d_context · valueᵀ.
        transpose(scratch.value.data(), place.keys, head_width, scratch.transposed.data(), width);
        product(
            place.queries, width, head_width, d_context, context_stride, 1,
            scratch.transposed.data(), width, change, width);
        for (int64_t i = 0; i < place.queries; i++) {
            const int64_t index = place.probability_first + i * place.keys;
            float *row = kept + i * width, *d_row = change + i * width;
            memcpy(row, op.probabilities + index, place.keys * sizeof(float));
            for (int64_t j = place.keys; j < width; j++) row[j] = 0;
            if (op.dropout.threshold) drop_row(d_row, width, op.dropout, index);
            Lanes total{};
            for (int64_t j = 0; j < width; j += lane_count)
                total += load(row + j) * load(d_row + j);
            const float mean = sum(total);
            for (int64_t j = 0; j < width; j += lane_count) {
                Lanes probability = load(row + j);
                store(d_row + j, probability * (load(d_row + j) - mean) * op.scale);
            }
            if (op.dropout.threshold) drop_row(row, width, op.dropout, index);
        }
        product(
            place.keys, head_width, place.queries, kept, 1, width, d_context, context_stride,
            gradient.d_value + key_start, op.key_stride);
        product(
            place.queries, head_width, place.keys, change, width, 1, scratch.key.data(),
            head_width, gradient.d_query + place.query_first * op.query_stride + column,
            op.query_stride);
        product(
            place.keys, head_width, place.queries, change, 1, width, scratch.query.data(),
            head_width, gradient.d_key + key_start, op.key_stride);
    }
}

}  // namespace

extern const Kernels MTS_LEVEL;
const Kernels MTS_LEVEL = {
    dropout,  add_norm_forward,  add_norm_backward,  bias_gelu,
    multiply, attention_forward, attention_backward, adam_step,
};

}  // namespace mts
