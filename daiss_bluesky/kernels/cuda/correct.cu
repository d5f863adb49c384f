// Raw counts to line integrals, or to transmission: dark, flat, dead pixels, zingers,
// logarithm in one pass. The steps are those of kernels/correction.py, in float32.
//
// A block goes through some frames at one place of the detector, so dark and gain are
// read once for all of them. A dead pixel's gain is not a number.
#include "storage.cuh"

#ifndef RAW
#define RAW unsigned short
#endif
#ifndef LOGARITHM
#define LOGARITHM 1
#endif
#define LEAST 1e-5f
#define MOST 3.402823466e38f
#define SPREAD 3.0f
#define NEIGHBORS 8
#define WIDE 32
#define TALL 16
#define CELLS ((TALL + 2) * (WIDE + 2))
#define EACH 2
// Frames in work together, so that several reads are under way.
#define TOGETHER 4

struct Detector {
    const float* dark;
    const float* gains;
    int groups;
    const int* dead;
    int dead_count, rows, columns;
    int known_first, known_last;  // rows that raw frames hold
};

// Light at a pixel that is not dead.
__device__ inline float light(float counts, float dark, float gain)
{
    float value = __fdividef(counts - dark, gain);
    return value > LEAST ? fminf(value, MOST) : LEAST;
}

__device__ inline float between(float before, float after, float u)
{
    return u > 0 ? before * (1.0f - u) + after * u : before;
}

__device__ __noinline__ float mean_of_neighbors(
    const Detector& d, const RAW* frame, int place, int group, float u)
{
    int low = 0, high = d.dead_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (d.dead[middle * (1 + NEIGHBORS)] < place) low = middle + 1;
        else high = middle;
    }
    if (low == d.dead_count || d.dead[low * (1 + NEIGHBORS)] != place) return LEAST;
    const float* before = d.gains + (size_t)group * d.rows * d.columns;
    const float* after = before + (u > 0 ? (size_t)d.rows * d.columns : 0);
    float total = 0;
    int count = 0;
    for (int j = 1; j <= NEIGHBORS; ++j) {
        int near = d.dead[low * (1 + NEIGHBORS) + j];
        int row = near / d.columns;
        if (near < 0 || row < d.known_first || row >= d.known_last) continue;
        float counts = (float)frame[near - d.known_first * d.columns];
        total += light(counts, d.dark[near], between(before[near], after[near], u));
        ++count;
    }
    return count ? total / (float)count : 1.0f;
}

// Mean of the two middle ones of eight values, by odd-even transposition sort.
__device__ float median(float v[NEIGHBORS])
{
#pragma unroll
    for (int pass = 0; pass < NEIGHBORS; ++pass)
#pragma unroll
        for (int j = pass & 1; j + 1 < NEIGHBORS; j += 2) {
            float low = fminf(v[j], v[j + 1]);
            v[j + 1] = fmaxf(v[j], v[j + 1]);
            v[j] = low;
        }
    return (v[3] + v[4]) / 2.0f;
}

// A pixel far above all eight around it becomes their median; rarely asked for.
__device__ __noinline__ float without_zinger(
    const float (*t)[WIDE + 2], int i, int j, float threshold)
{
    const float here = t[i][j];
    float v[NEIGHBORS] = {t[i - 1][j - 1], t[i - 1][j],     t[i - 1][j + 1], t[i][j - 1],
                          t[i][j + 1],     t[i + 1][j - 1], t[i + 1][j],     t[i + 1][j + 1]};
    float lowest = v[0], highest = v[0];
#pragma unroll
    for (int k = 1; k < NEIGHBORS; ++k) {
        lowest = fminf(lowest, v[k]);
        highest = fmaxf(highest, v[k]);
    }
    const float excess = here - highest;
    if (excess > threshold && excess > SPREAD * (highest - lowest)) return median(v);
    return here;
}

// Frame which[i] of raw, with rows [known_first, known_last) of the detector, becomes
// frame i of out, with rows [first, last); its gain lies the part parts[i] behind group
// groups_of[i]. Steps are the distances in out from frame to frame and from row to row.
extern "C" __global__ void __launch_bounds__(WIDE * TALL) correct(
    const RAW* __restrict__ raw, const int* __restrict__ which,
    const int* __restrict__ groups_of, const float* __restrict__ parts, int frames,
    int frames_each,
    const float* __restrict__ dark, const float* __restrict__ gains, int groups,
    const int* __restrict__ dead, int dead_count, int rows, int columns,
    int known_first, int known_last, int first, int last, float threshold,
    Stored* __restrict__ out, long long frame_step, long long row_step)
{
    const Detector d = {dark, gains, groups, dead, dead_count, rows, columns,
                        known_first, known_last};
    const int x0 = blockIdx.x * WIDE, y0 = first + blockIdx.y * TALL;
    const int x = x0 + threadIdx.x, y = y0 + threadIdx.y;
    const bool mine = x < columns && y < last;
    const bool inner = x > 0 && x < columns - 1 && y > 0 && y < rows - 1;
    const size_t size = (size_t)rows * columns;
    const size_t known_size = (size_t)(known_last - known_first) * columns;
    const int thread = threadIdx.y * WIDE + threadIdx.x;
    __shared__ float t[TOGETHER][TALL + 2][WIDE + 2];
    int place[EACH], group_here = -1;
    float dark_here[EACH], before[EACH], after[EACH];
#pragma unroll
    for (int c = 0; c < EACH; ++c) {
        const int cell = thread + c * WIDE * TALL;
        const int row = y0 - 1 + cell / (WIDE + 2), column = x0 - 1 + cell % (WIDE + 2);
        const bool known = cell < CELLS && column >= 0 && column < columns &&
                           row >= known_first && row < known_last;
        place[c] = known ? row * columns + column : -1;
        dark_here[c] = known ? dark[place[c]] : 0.0f;
    }
    const int begin = blockIdx.z * frames_each;
    const int end = min(begin + frames_each, frames);
    for (int i = begin; i < end; i += TOGETHER) {
        RAW counts[TOGETHER][EACH];
#pragma unroll
        for (int j = 0; j < TOGETHER; ++j) {
            const RAW* frame = raw + which[min(i + j, end - 1)] * known_size;
#pragma unroll
            for (int c = 0; c < EACH; ++c)
                if (place[c] >= 0) counts[j][c] = frame[place[c] - known_first * columns];
        }
#pragma unroll
        for (int j = 0; j < TOGETHER; ++j) {
            const int group = groups_of[min(i + j, end - 1)];
            const float u = parts[min(i + j, end - 1)];
#pragma unroll
            for (int c = 0; c < EACH; ++c) {
                if (place[c] < 0) continue;
                if (group != group_here) {
                    before[c] = gains[group * size + place[c]];
                    after[c] = gains[min(group + 1, groups - 1) * size + place[c]];
                }
                const float gain = between(before[c], after[c], u);
                float value = light((float)counts[j][c], dark_here[c], gain);
                if (isnan(gain)) {
                    const RAW* frame = raw + which[min(i + j, end - 1)] * known_size;
                    value = mean_of_neighbors(d, frame, place[c], group, u);
                }
                const int cell = thread + c * WIDE * TALL;
                t[j][cell / (WIDE + 2)][cell % (WIDE + 2)] = value;
            }
            group_here = group;
        }
        __syncthreads();
#pragma unroll
        for (int j = 0; j < TOGETHER; ++j) {
            if (!mine || i + j >= end) continue;
            const int at_y = threadIdx.y + 1, at_x = threadIdx.x + 1;
            float value = t[j][at_y][at_x];
            const float beside = fmaxf(t[j][at_y][at_x - 1], t[j][at_y][at_x + 1]);
            if (inner && value - beside > threshold)
                value = without_zinger(t[j], at_y, at_x, threshold);
            if (LOGARITHM) value = -logf(value);
            keep(out + (i + j) * frame_step + (y - first) * row_step + x, value);
        }
        __syncthreads();
    }
}
