// Attention of one head of one sequence at a time, forward and backward. Included by kernels.cpp
// alone, once for each instruction set.
#pragma once
#include "lanes.h"

namespace mts {
namespace {

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

/// Adds what query `i` of head `head` gets for the distance to each key; `scores` are not scaled
/// yet.
MTS_INLINE void add_relative(
    float* scores, const Attention& op, int64_t head, int64_t i, int64_t keys) {
    const float* line = op.relative + head * (2 * op.reach + 1) + op.reach - i;
    const float factor = 1 / op.scale;
    for (int64_t j = 0; j < keys - op.prefix; j++) scores[op.prefix + j] += line[j] * factor;
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
            if (op.relative) add_relative(row, op, place.head, i, place.keys);
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
}  // namespace mts
