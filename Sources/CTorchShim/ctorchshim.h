// A plain C interface over libtorch: just what the training core needs.
//
// Every function returns 0, or 1 when it failed; then `mts_last_error` tells this thread why. No
// exception leaves the library. A tensor that a function gives is owned by the caller, who frees it
// with `mts_free`; arguments are borrowed. Floating-point tensors are float32, indices are int64.
// Names in brackets are shapes; T is the number of tokens of a batch without padding, B the number
// of its sequences, H the hidden width.
#ifndef CTORCHSHIM_H
#define CTORCHSHIM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

typedef struct mts_tensor mts_tensor;

// -- The library ---------------------------------------------------------------------------------

/// The message of the last failure on this thread; valid until the next one.
const char *mts_last_error(void);
/// Time this thread has spent in functions of this library, in nanoseconds.
uint64_t mts_nanoseconds_inside(void);
/// The version of libtorch the library was compiled against, such as "2.13.0".
const char *mts_torch_version(void);
/// Threads of one operation, for the calling thread and those it starts; 1 or more.
int mts_set_threads(int threads);
/// Loads the CUDA part of libtorch and checks that device `index` is there.
int mts_open_cuda(int index);
/// Whether operations on this thread record what a gradient needs.
void mts_set_recording(bool recording);
/// Whether the processor's fused kernels are used where there are some (the default), or libtorch's
/// own operations, which they are tested against.
void mts_set_fused(bool fused);

// -- Tensors -------------------------------------------------------------------------------------

/// `device` is -1 for the processor, else a CUDA device. The values are copied.
int mts_from_floats(
    const float *values, const int64_t *shape, int rank, int device, mts_tensor **result);
int mts_from_indices(
    const int64_t *values, const int64_t *shape, int rank, int device, mts_tensor **result);
/// Zeros of the shape and on the device of `like`.
int mts_zeros_like(const mts_tensor *like, mts_tensor **result);
void mts_free(mts_tensor *tensor);
int64_t mts_count(const mts_tensor *tensor);
int mts_rank(const mts_tensor *tensor);
/// The extent of dimension `dimension`, `0 ..< rank`.
int64_t mts_extent(const mts_tensor *tensor, int dimension);
/// Copies all values, in row order; `count` must be `mts_count`.
int mts_copy_floats(const mts_tensor *tensor, float *values, int64_t count);
/// The same values as bfloat16, for weights.
int mts_to_bfloat16(const mts_tensor *x, mts_tensor **result);
/// Makes the tensor a leaf whose gradient can be asked for.
int mts_require_gradient(mts_tensor *tensor);
/// d loss / d leaf, with the leaf's shape; the record of the loss is used up.
int mts_gradient(const mts_tensor *loss, const mts_tensor *leaf, mts_tensor **result);

// -- Operations ----------------------------------------------------------------------------------

int mts_reshape(
    const mts_tensor *x, const int64_t *shape, int rank, mts_tensor **result);
/// Pieces along the last dimension, one after the other; the sizes must add up to its extent.
int mts_split(const mts_tensor *x, const int64_t *sizes, int count, mts_tensor **results);
/// Rows `first ..< first + count`.
int mts_slice_rows(const mts_tensor *x, int64_t first, int64_t count, mts_tensor **result);
/// xᵀ [n, m] of x [m, n].
int mts_transpose(const mts_tensor *x, mts_tensor **result);
/// x's rows, then y's.
int mts_concatenate(const mts_tensor *x, const mts_tensor *y, mts_tensor **result);
int mts_add(const mts_tensor *x, const mts_tensor *y, mts_tensor **result);
int mts_tanh(const mts_tensor *x, mts_tensor **result);
int mts_relu(const mts_tensor *x, mts_tensor **result);
/// GELU in the tanh form.
int mts_gelu_tanh(const mts_tensor *x, mts_tensor **result);
/// matrix [runs, m, n] · vector [runs, n], for each run.
int mts_matrix_vector(const mts_tensor *matrix, const mts_tensor *vector, mts_tensor **result);
/// Rows of x [rows, H] by index.
int mts_select_rows(const mts_tensor *x, const mts_tensor *rows, mts_tensor **result);
/// x [rows, n] · weightᵀ [n, m] + bias [m], in the weight's type; the bias may be null.
int mts_linear(
    const mts_tensor *x, const mts_tensor *weight, const mts_tensor *bias, mts_tensor **result);
/// The same with a weight [runs, m, n] and a bias [runs, m] for each run's rows.
/// `row_offsets` [runs + 1], on the processor: the first row of each run, and the number of rows; it
/// may be null for one run.
int mts_run_linear(
    const mts_tensor *x, const mts_tensor *weight, const mts_tensor *bias,
    const mts_tensor *row_offsets, mts_tensor **result);
int mts_layer_norm(
    const mts_tensor *x, const mts_tensor *gamma, const mts_tensor *beta, double epsilon,
    mts_tensor **result);
/// Mean over rows of the cross-entropy of logits [rows, classes] with labels [rows], in nats,
/// weighted by the label's weight [classes] unless that is null; `label_smoothing` in 0 ... 1 is the
/// share of each target that all classes have in common.
int mts_cross_entropy(
    const mts_tensor *logits, const mts_tensor *labels, const mts_tensor *class_weights,
    double label_smoothing, mts_tensor **result);

/// Each row of x [rows, n] times the vector of its run, of `scales` [runs, n]; `row_offsets`
/// [runs + 1] say where the runs' rows begin.
int mts_scale_rows(
    const mts_tensor *x, const mts_tensor *scales, const mts_tensor *row_offsets,
    mts_tensor **result);

/// Dropout with a mask that depends on `seed` alone; `probability` in 0 ..< 1.
int mts_dropout(const mts_tensor *x, double probability, uint64_t seed, mts_tensor **result);
/// layer_norm(dropout(x + bias) + residual); bias, gamma and beta [H].
int mts_add_norm(
    const mts_tensor *x, const mts_tensor *bias, const mts_tensor *residual,
    const mts_tensor *gamma, const mts_tensor *beta, double epsilon, double probability,
    uint64_t seed, mts_tensor **result);
/// gelu(x + bias) in the erf form; uses x up.
int mts_bias_gelu(mts_tensor *x, const mts_tensor *bias, mts_tensor **result);

/// x [rows, n] · (weight + scale · B A)ᵀ + bias, where each of `count` (at most 2) updates changes
/// the rows of the frozen weight from `first_rows[i]` on. A [runs, r, n], B [runs, m, r]; each run's
/// rows get their own, as in `mts_run_linear`.
int mts_lora_linear(
    const mts_tensor *x, const mts_tensor *weight, const mts_tensor *bias, int count,
    mts_tensor *const *a, mts_tensor *const *b, const int64_t *first_rows, double scale,
    const mts_tensor *row_offsets, mts_tensor **result);

/// Scaled dot-product attention within each sequence, with dropout on its weights.
///
/// - packed [T, 3H]: query, key and value beside each other; or [K, 2H], key and value, when `query`
///   gives the queries.
/// - key_offsets [B + 1], on the processor: the first row of each sequence in `packed`, and their
///   number. query_offsets the same for `query`; null for one query a sequence.
/// - relative [heads, 2 * reach + 1], added to the scaled scores by the distance from query to key,
///   with distance 0 in the middle, or null. `reach` must be at least the longest distance.
/// - prefix: keys at the start of each sequence that are no token and have no distance.
int mts_attention(
    const mts_tensor *query, const mts_tensor *packed, const mts_tensor *query_offsets,
    const mts_tensor *key_offsets, int64_t heads, const mts_tensor *relative, int64_t prefix,
    double probability, uint64_t seed, mts_tensor **result);

/// Images as float32 [n, channels, side, side]: pixels of `shape` (n, 1 or `channels`, height,
/// width) over 255, less the mean, over the deviation of each channel; resized bilinearly.
int mts_images(
    const uint8_t *pixels, const int64_t *shape, int channels, const float *mean,
    const float *deviation, int64_t side, int device, mts_tensor **result);
/// Convolution with stride 1 that keeps height and width. weight [outputs, inputs, k, k].
int mts_convolution(
    const mts_tensor *x, const mts_tensor *weight, const mts_tensor *bias, mts_tensor **result);
/// The largest of each 2 × 2 values.
int mts_max_pool(const mts_tensor *x, mts_tensor **result);
/// Means over a grid of side × side.
int mts_average_pool(const mts_tensor *x, int64_t side, mts_tensor **result);

/// One step of gradient descent with momentum in place, after clipping as in `mts_adamw_step`:
/// velocity = momentum · velocity + gradient + weight_decay · parameter.
int mts_sgd_step(
    mts_tensor *parameter, const mts_tensor *gradient, mts_tensor *velocity, double learning_rate,
    double momentum, double weight_decay, double clip, double *norm);

/// One AdamW step in place over one vector of parameters, after scaling the gradient so that its
/// Euclidean norm is at most `clip` (0: no clipping). `step` counts from 1. Gives the norm before
/// clipping; when it is not finite, nothing is changed.
int mts_adamw_step(
    mts_tensor *parameter, const mts_tensor *gradient, mts_tensor *first_moment,
    mts_tensor *second_moment, int64_t step, double learning_rate, double beta1, double beta2,
    double epsilon, double weight_decay, double clip, double *norm);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
