// Raw counts to line integrals, or to transmission: dark, flat, dead pixels, zingers,
// logarithm in one pass. The steps are those of kernels/correction.py, in float32.
//
// A thread goes through some frames with PIXELS pixels beside each other, whose dark and
// gain it reads once. A dead pixel's gain is not a number. What is rare, the neighbors
// of dead pixels and zingers, is worked out again where it is needed.
#include "storage.cuh"

#ifndef RAW
#define RAW unsigned short
#endif
#ifndef LOGARITHM
#define LOGARITHM 1
#endif
#ifndef PIXELS
#define PIXELS 4
#endif
#define LEAST 1e-5f
#define MOST 3.402823466e38f
#define SPREAD 3.0f
#define NEIGHBORS 8
#define WIDE 32
#define TALL 8
#define TOGETHER 4  // frames whose counts are read before the first is worked on
#define ALL 0xffffffffu

struct Detector {
    const float* dark;
    const float* gains;
    int groups;
    const int* dead;
    int dead_count, rows, columns;
    int known_first;  // rows that raw frames hold
    int known_last;
};

// A frame, and where its gain lies between two groups of flats.
struct Frame {
    const RAW* counts;
    int group;
    float part;
};

struct __align__(sizeof(RAW) * PIXELS) Counts {
    RAW of[PIXELS];
};

struct __align__(sizeof(Stored) * PIXELS) Kept {
    Stored of[PIXELS];
};

// Light at a pixel that is not dead.
__device__ inline float light(float counts, float dark, float gain)
{
    float value = __fdividef(counts - dark, gain);
    return value > LEAST ? fminf(value, MOST) : LEAST;
}

__device__ inline float between(float before, float after, float part)
{
    return part > 0 ? before * (1.0f - part) + after * part : before;
}

__device__ inline float light_at(const Detector& d, const Frame& frame, int place, bool& is_dead)
{
    const size_t size = (size_t)d.rows * d.columns;
    const float* gains = d.gains + frame.group * size + place;
    const float gain = between(gains[0], frame.part > 0 ? gains[size] : 0.0f, frame.part);
    is_dead = isnan(gain);
    return light((float)frame.counts[place - d.known_first * d.columns], d.dark[place], gain);
}

// Mean of the good neighbors of a dead pixel that the frame holds, 1 if there are none.
__device__ __noinline__ float stand_in(const Detector& d, const Frame& frame, int place)
{
    int low = 0, high = d.dead_count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (d.dead[middle * (1 + NEIGHBORS)] < place) low = middle + 1;
        else high = middle;
    }
    if (low == d.dead_count || d.dead[low * (1 + NEIGHBORS)] != place) return LEAST;
    float total = 0;
    int count = 0;
    for (int j = 1; j <= NEIGHBORS; ++j) {
        const int near = d.dead[low * (1 + NEIGHBORS) + j];
        if (near < d.known_first * d.columns || near >= d.known_last * d.columns) continue;
        bool is_dead;
        total += light_at(d, frame, near, is_dead);
        ++count;
    }
    return count ? total / (float)count : 1.0f;
}

__device__ inline float repaired(const Detector& d, const Frame& frame, int place)
{
    bool is_dead;
    const float value = light_at(d, frame, place, is_dead);
    return is_dead ? stand_in(d, frame, place) : value;
}

// Mean of the two middle ones of eight values, by odd-even transposition sort.
__device__ inline float median(float v[NEIGHBORS])
{
#pragma unroll
    for (int pass = 0; pass < NEIGHBORS; ++pass)
#pragma unroll
        for (int j = pass & 1; j + 1 < NEIGHBORS; j += 2) {
            const float low = fminf(v[j], v[j + 1]);
            v[j + 1] = fmaxf(v[j], v[j + 1]);
            v[j] = low;
        }
    return (v[3] + v[4]) / 2.0f;
}

// A pixel far above all eight around it becomes their median.
__device__ __noinline__ float without_zinger(
    const Detector& d, const Frame& frame, int place, float here, float threshold)
{
    float v[NEIGHBORS];
    float lowest = MOST, highest = 0.0f;
    int k = 0;
    for (int i = -1; i <= 1; ++i)
        for (int j = -1; j <= 1; ++j) {
            if (i == 0 && j == 0) continue;
            const float value = repaired(d, frame, place + i * d.columns + j);
            lowest = fminf(lowest, value);
            highest = fmaxf(highest, value);
            v[k++] = value;
        }
    const float excess = here - highest;
    if (excess > threshold && excess > SPREAD * (highest - lowest)) return median(v);
    return here;
}

// Work on the pixels of a thread from x on; out is where they go. Whole warps take part.
__device__ inline void finish(
    const Detector& d, const Frame& frame, const Counts& counts, const float dark[PIXELS],
    const float before[PIXELS], const float after[PIXELS], int y, int x, bool mine,
    float threshold, Kept* out)
{
    const int place = y * d.columns + x;
    float t[PIXELS];
#pragma unroll
    for (int i = 0; i < PIXELS; ++i) {
        const float gain = between(before[i], after[i], frame.part);
        t[i] = light((float)counts.of[i], dark[i], gain);
        if (mine && isnan(gain)) t[i] = stand_in(d, frame, place + i);
    }
    if (threshold < MOST) {
        // Beyond a warp's pixels none is known; all neighbors of the few pixels that may
        // be zingers are looked at again.
        float left = __shfl_up_sync(ALL, t[PIXELS - 1], 1);
        float right = __shfl_down_sync(ALL, t[0], 1);
        if (threadIdx.x == 0) left = 0.0f;
        if (threadIdx.x == WIDE - 1) right = 0.0f;
        float fixed[PIXELS];
#pragma unroll
        for (int i = 0; i < PIXELS; ++i) {
            const float beside = fmaxf(i ? t[i - 1] : left, i + 1 < PIXELS ? t[i + 1] : right);
            const bool inner = y > d.known_first && y < d.known_last - 1 && x + i > 0 &&
                               x + i < d.columns - 1;
            fixed[i] = t[i];
            if (t[i] - beside > threshold && mine && inner)
                fixed[i] = without_zinger(d, frame, place + i, t[i], threshold);
        }
#pragma unroll
        for (int i = 0; i < PIXELS; ++i) t[i] = fixed[i];
    }
    Kept kept;
#pragma unroll
    for (int i = 0; i < PIXELS; ++i) keep(kept.of + i, LOGARITHM ? -logf(t[i]) : t[i]);
    if (mine) *out = kept;
}

// Frame which[i] of raw, with rows [known_first, known_last) of the detector, becomes
// frame i of out, with rows [first, last); its gain lies the part parts[i] behind group
// groups_of[i]. Outermost pixels of what raw holds have no zingers repaired. Steps are
// the distances in out from frame to frame and from row to row.
// Columns are a multiple of PIXELS, and so are steps.
extern "C" __global__ void __launch_bounds__(WIDE * TALL) correct(
    const RAW* __restrict__ raw, const int* __restrict__ which,
    const int* __restrict__ groups_of, const float* __restrict__ parts, int frames,
    int frames_each, const float* __restrict__ dark, const float* __restrict__ gains,
    int groups, const int* __restrict__ dead, int dead_count, int rows, int columns,
    int known_first, int known_last, int first, int last, float threshold,
    Stored* __restrict__ out, long long frame_step, long long row_step)
{
    const Detector d = {dark, gains, groups, dead, dead_count, rows, columns,
                        known_first, known_last};
    const int x = (blockIdx.x * WIDE + threadIdx.x) * PIXELS;
    const int y = first + blockIdx.y * TALL + threadIdx.y;
    const bool mine = x < columns && y < last;
    const size_t size = (size_t)rows * columns;
    const size_t known_size = (size_t)(known_last - known_first) * columns;
    const int place = mine ? y * columns + x : known_first * columns;
    const int offset = place - known_first * columns;
    out += (mine ? y - first : 0) * row_step + (mine ? x : 0);
    float dark_here[PIXELS], before[PIXELS], after[PIXELS];
    int group_here = -1;
#pragma unroll
    for (int i = 0; i < PIXELS; ++i) dark_here[i] = dark[place + i];
    const int begin = blockIdx.z * frames_each;
    const int end = min(begin + frames_each, frames);
    for (int i = begin; i < end; i += TOGETHER) {
        Counts counts[TOGETHER];
#pragma unroll
        for (int j = 0; j < TOGETHER; ++j)
            counts[j] = *(const Counts*)(raw + which[min(i + j, end - 1)] * known_size + offset);
#pragma unroll
        for (int j = 0; j < TOGETHER; ++j) {
            if (i + j >= end) break;
            const Frame frame = {raw + which[i + j] * known_size, groups_of[i + j], parts[i + j]};
            if (frame.group != group_here) {
                group_here = frame.group;
                const float* now = gains + group_here * size + place;
                const float* next = gains + min(group_here + 1, groups - 1) * size + place;
#pragma unroll
                for (int k = 0; k < PIXELS; ++k) {
                    before[k] = now[k];
                    after[k] = next[k];
                }
            }
            finish(d, frame, counts[j], dark_here, before, after, y, x, mine, threshold,
                   (Kept*)(out + (i + j) * frame_step));
        }
    }
}
