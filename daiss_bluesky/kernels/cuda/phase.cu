// Phase retrieval from one distance, on frames continued by their mirror image: cosine
// transforms, by Fourier transforms of the same length (Makhoul, IEEE Trans. Acoust.
// Speech Signal Process. 28, 27 (1980)). The transforms are between the functions.
#include "storage.cuh"

#define LEAST 1e-5f
#define PI 3.14159265358979f

// Where sample i of n, mirrored for ever, is taken from.
__device__ inline int mirrored(int i, int n)
{
    i %= 2 * n;
    return i < n ? i : 2 * n - 1 - i;
}

// Even samples in front, odd ones behind and backwards.
__device__ inline int shuffled(int i, int n) { return i & 1 ? n - 1 - i / 2 : i / 2; }

// Frames (frame, row, column) of transmission, lengthened and shuffled along both axes
// into (frame, tall, wide). Grid: (wide / threads, tall, frame).
extern "C" __global__ void shuffle(
    const float* __restrict__ frames, int rows, int columns, int tall, int wide,
    float* __restrict__ out)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y;
    if (j >= wide) return;
    const float* frame = frames + (size_t)blockIdx.z * rows * columns;
    float* to = out + (size_t)blockIdx.z * tall * wide;
    const float value = frame[(size_t)mirrored(i, rows) * columns + mirrored(j, columns)];
    to[(size_t)shuffled(i, tall) * wide + shuffled(j, wide)] = value;
}

__device__ inline float2 times(float2 a, float2 b)
{
    return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

__device__ inline float2 conjugate(float2 a) { return make_float2(a.x, -a.y); }

// exp(-i pi k / 2 n)
__device__ inline float2 turn(int k, int n)
{
    float sine, cosine;
    sincospif(-0.5f * k / n, &sine, &cosine);
    return make_float2(cosine, sine);
}

// Half spectra (frame, tall, wide / 2 + 1): to the cosine transform, times `inverse`
// (tall, wide), and back. Two places, k and tall - k, hold what four coefficients need.
// Grid: ((wide / 2 + 1) / threads, tall / 2 + 1, frame).
extern "C" __global__ void divide(
    float2* __restrict__ spectra, const float* __restrict__ inverse, int tall, int wide)
{
    const int half = wide / 2 + 1;
    const int l = blockIdx.x * blockDim.x + threadIdx.x, k = blockIdx.y;
    if (l >= half) return;
    const int k_other = k ? tall - k : 0, l_other = l ? wide - l : 0;
    float2* frame = spectra + (size_t)blockIdx.z * tall * half;
    float2* here = frame + (size_t)k * half + l;
    float2* other = frame + (size_t)k_other * half + l;
    const float2 a = turn(k, tall), b = turn(l, wide);
    const float2 p = times(a, *here), q = times(conjugate(a), *other);
    const float2 sum = times(b, make_float2(p.x + q.x, p.y + q.y));
    const float2 difference = times(b, make_float2(q.x - p.x, q.y - p.y));
    // Coefficients (k, l), (k, wide - l), (tall - k, l), (tall - k, wide - l), doubled.
    // Those of index tall or wide are zero.
    const float2 s = make_float2(
        sum.x * inverse[(size_t)k * wide + l],
        l ? sum.y * inverse[(size_t)k * wide + l_other] : 0.0f);
    const float2 d = make_float2(
        k && l ? difference.x * inverse[(size_t)k_other * wide + l_other] : 0.0f,
        k ? difference.y * inverse[(size_t)k_other * wide + l] : 0.0f);
    const float2 back = make_float2(0.5f * b.x, -0.5f * b.y);
    const float2 p_new = times(back, make_float2(s.x - d.x, s.y - d.y));
    const float2 q_new = times(back, make_float2(s.x + d.x, s.y + d.y));
    *here = times(conjugate(a), p_new);
    if (k_other != k) *other = times(a, q_new);
}

// Shuffled frames times a scale to line integrals, as frame i of out; steps are the
// distances in out from frame to frame and from row to row.
// Grid: (columns / threads, rows, frame).
extern "C" __global__ void line_integrals(
    const float* __restrict__ frames, int tall, int wide, int columns, float scale,
    Stored* __restrict__ out, long long frame_step, long long row_step)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y;
    if (j >= columns) return;
    const float* frame = frames + (size_t)blockIdx.z * tall * wide;
    const float t = scale * frame[(size_t)shuffled(i, tall) * wide + shuffled(j, wide)];
    keep(out + blockIdx.z * frame_step + i * row_step + j, -logf(fmaxf(t, LEAST)));
}
