// Parts of stripe correction of sinograms (row, angle, column): columns sorted, medians
// of ranks across columns, values put back. As kernels/stripes.py.
#include "storage.cuh"

#ifndef WINDOW
#define WINDOW 31
#endif
#ifndef COLUMNS
#define COLUMNS 4  // that a block of threads sorts together
#endif
#define SMOOTH_ANGLES 10
#define INFINITE __int_as_float(0x7f800000)

typedef unsigned long long Key;

// Ascends with the value, the same for both zeros; equal values keep their order.
__device__ inline Key key_of(float value, unsigned int index)
{
    unsigned int bits = __float_as_uint(value == 0.0f ? 0.0f : value);
    bits ^= bits >> 31 ? 0xffffffffu : 0x80000000u;
    return (Key)bits << 32 | index;
}

__device__ inline float value_of(Key key)
{
    unsigned int bits = (unsigned int)(key >> 32);
    bits ^= bits >> 31 ? 0x80000000u : 0xffffffffu;
    return __uint_as_float(bits);
}

// Where key i lies in shared memory: neighbors of a thread's eight are in other banks.
__device__ inline int place_of(int i) { return i ^ (i >> 4 & 15); }

// Up to three steps of a bitonic sort (Batcher) at once, of strides 2^low and above, on
// keys that a thread holds in registers; `stage` is the length of sorted runs.
template <int STEPS>
__device__ inline void merge(Key* keys, int count, int low, int stage)
{
    const int each = 1 << STEPS;
    for (int set = threadIdx.x; set < count / each; set += blockDim.x) {
        const int base = (set >> low << (low + STEPS)) | (set & ((1 << low) - 1));
        Key held[each];
#pragma unroll
        for (int i = 0; i < each; ++i) held[i] = keys[place_of(base + (i << low))];
        const bool falls = base & stage;
#pragma unroll
        for (int step = STEPS - 1; step >= 0; --step)
#pragma unroll
            for (int i = 0; i < each; ++i) {
                const int j = i | 1 << step;
                if (j == i) continue;
                const Key a = held[i], b = held[j];
                if ((a > b) != falls) {
                    held[i] = b;
                    held[j] = a;
                }
            }
#pragma unroll
        for (int i = 0; i < each; ++i) keys[place_of(base + (i << low))] = held[i];
    }
    __syncthreads();
}

__device__ inline void sort(Key* keys, int length)
{
    const int count = COLUMNS * length;
    for (int bits = 1; 1 << bits <= length; ++bits) {
        // The last stage of each column ascends, whatever bit of the column's number.
        const int stage = 1 << bits < length ? 1 << bits : 0;
        int high = bits;
        for (; high % 3; ) {
            const int steps = high % 3;
            if (steps == 2) merge<2>(keys, count, high - 2, stage);
            else merge<1>(keys, count, high - 1, stage);
            high -= steps;
        }
        for (; high; high -= 3) merge<3>(keys, count, high - 3, stage);
    }
}

// Sort columns of p into ranked (row, column, rank), with the angle that each value came
// from. `length` is a power of two not below `angles`. Grid: (columns / COLUMNS, row).
extern "C" __global__ void rank_columns(
    const Stored* __restrict__ p, int angles, int columns, int length,
    float* __restrict__ ranked, unsigned short* __restrict__ order)
{
    extern __shared__ Key keys[];
    const int x0 = blockIdx.x * COLUMNS;
    const Stored* from = p + (size_t)blockIdx.y * angles * columns;
    for (int i = threadIdx.x; i < COLUMNS * length; i += blockDim.x) {
        const int a = i / COLUMNS, c = i % COLUMNS;
        Key key = ~(Key)0;
        if (a < angles && x0 + c < columns)
            key = key_of(fetch(from[(size_t)a * columns + x0 + c]), a);
        keys[place_of(c * length + a)] = key;
    }
    __syncthreads();
    sort(keys, length);
    for (int i = threadIdx.x; i < COLUMNS * angles; i += blockDim.x) {
        const int c = i / angles, k = i % angles;
        if (x0 + c >= columns) break;
        const size_t to = ((size_t)blockIdx.y * columns + x0 + c) * angles + k;
        const Key key = keys[place_of(c * length + k)];
        ranked[to] = value_of(key);
        order[to] = (unsigned short)key;
    }
}

__device__ inline int reflected(int i, int n)
{
    i %= 2 * n;
    if (i < 0) i += 2 * n;
    return i < n ? i : 2 * n - 1 - i;
}

// Take `old` from a sorted window and put `fresh` in.
__device__ inline void exchange(float window[WINDOW], float old, float fresh)
{
    float below = -INFINITE, value = window[0];
#pragma unroll
    for (int j = 0; j < WINDOW; ++j) {
        const float following = j + 1 < WINDOW ? window[j + 1] : INFINITE;
        const float kept = value < old ? value : following;
        window[j] = fmaxf(fminf(kept, fresh), below);
        below = kept;
        value = following;
    }
}

// Median over WINDOW columns of values (row, column, rank), edges reflected; a thread
// goes through `segment` columns of a rank. Where there is a mask (row, column), only
// columns that it marks are written. Grid: (ranks / threads, segment, row).
extern "C" __global__ void medians(
    const float* __restrict__ values, int ranks, int columns, int segment,
    const unsigned char* __restrict__ mask, int has_mask, float* __restrict__ out)
{
    const int rank = blockIdx.x * blockDim.x + threadIdx.x;
    if (rank >= ranks) return;
    const size_t row = (size_t)blockIdx.z * columns;
    const float* from = values + row * ranks + rank;
    float* to = out + row * ranks + rank;
    const int first = blockIdx.y * segment, last = min(first + segment, columns);
    float window[WINDOW];
#pragma unroll
    for (int j = 0; j < WINDOW; ++j) window[j] = INFINITE;
    for (int j = -(WINDOW / 2); j <= WINDOW / 2; ++j)
        exchange(window, INFINITE, from[(size_t)reflected(first + j, columns) * ranks]);
    for (int x = first; x < last; ++x) {
        if (!has_mask || mask[row + x]) to[(size_t)x * ranks] = window[WINDOW / 2];
        exchange(window, from[(size_t)reflected(x - WINDOW / 2, columns) * ranks],
                 from[(size_t)reflected(x + WINDOW / 2 + 1, columns) * ranks]);
    }
}

// Put ranked values (row, column, rank) back to their angles in p (row, angle, column).
// Grid: (columns / COLUMNS, row).
extern "C" __global__ void put_back(
    const float* __restrict__ ranked, const unsigned short* __restrict__ order, int angles,
    int columns, Stored* __restrict__ p)
{
    extern __shared__ float turned[];
    const int x0 = blockIdx.x * COLUMNS, count = min(COLUMNS, columns - x0);
    const size_t first = ((size_t)blockIdx.y * columns + x0) * angles;
    for (int i = threadIdx.x; i < count * angles; i += blockDim.x)
        turned[order[first + i] * COLUMNS + i / angles] = ranked[first + i];
    __syncthreads();
    Stored* to = p + (size_t)blockIdx.y * angles * columns + x0;
    for (int i = threadIdx.x; i < COLUMNS * angles; i += blockDim.x) {
        const int a = i / COLUMNS, c = i % COLUMNS;
        if (c < count) keep(to + (size_t)a * columns + c, turned[i]);
    }
}

// Sum over angles of how far each value is from the mean of SMOOTH_ANGLES around it,
// (row, column). Grid: (columns / threads, row).
extern "C" __global__ void restlessness(
    const Stored* __restrict__ p, int angles, int columns, float* __restrict__ out)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, half = SMOOTH_ANGLES / 2;
    if (x >= columns) return;
    const Stored* from = p + (size_t)blockIdx.y * angles * columns + x;
    double total = 0, away = 0;
    for (int i = -half; i < half; ++i)
        total += fetch(from[(size_t)reflected(i, angles) * columns]);
    for (int a = 0; a < angles; ++a) {
        away += fabs(fetch(from[(size_t)a * columns]) - total / SMOOTH_ANGLES);
        total += (double)fetch(from[(size_t)reflected(a + half, angles) * columns]) -
                 (double)fetch(from[(size_t)reflected(a - half, angles) * columns]);
    }
    out[(size_t)blockIdx.y * columns + x] = (float)away;
}
