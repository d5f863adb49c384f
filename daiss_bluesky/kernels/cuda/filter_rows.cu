// Rows of attenuation to filtered spectra about the rotation center, in one pass, where
// the padded length is a power of two: what spectra.cu does with a transform of cuFFT's
// between its functions. By Stockham's self-sorting form (Van Loan, Computational
// Frameworks for the Fast Fourier Transform, 1992, section 1.7), radix 16, the last
// stage less where the length is; a thread holds 16 numbers, exchanged through shared
// memory. From 512 to 4096.
#include "radix.cuh"
#include "spectrum.cuh"

#ifndef BITS
#define BITS 12
#endif
#define LENGTH (1 << BITS)
#define HELD 16
#define THREADS (LENGTH / HELD)
#define TOGETHER 2  // pairs of rows, written side by side
#define PLACES (LENGTH + LENGTH / 16)

__device__ inline int place_of(int i) { return i + (i >> 4); }

// One stage: RADIX runs of length DONE become one; x[i] is number t + THREADS * i.
template <int RADIX, int DONE>
__device__ inline void stage(float2* x)
{
    const int butterflies = HELD / RADIX;
#pragma unroll
    for (int b = 0; b < butterflies; ++b) {
        const int j = threadIdx.x + THREADS * b;
        if (DONE > 1) {
            float2 powers[RADIX];
            float sine, cosine;
            sincospif(-2.0f * (j % DONE) / (DONE * RADIX), &sine, &cosine);
            powers[1] = make_float2(cosine, sine);
#pragma unroll
            for (int q = 2; q < RADIX; ++q) powers[q] = times(powers[q / 2], powers[q - q / 2]);
#pragma unroll
            for (int q = 1; q < RADIX; ++q) {
                float2& at = x[b + q * butterflies];
                at = times(at, powers[q]);
            }
        }
        transform<RADIX, butterflies>(x + b);
    }
}

// Exchange after a stage of radix 16: thread t gets back numbers t + THREADS * i.
template <int DONE>
__device__ inline void exchange(float2* x, float2* room)
{
    const int j = threadIdx.x;
    const int first = j / DONE * DONE * HELD + j % DONE;
    __syncthreads();
#pragma unroll
    for (int q = 0; q < HELD; ++q) room[place_of(first + q * DONE)] = x[q];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < HELD; ++i) x[i] = room[place_of(threadIdx.x + THREADS * i)];
}

__device__ inline void transform_row(float2* x, float2* room)
{
    stage<16, 1>(x);
    exchange<1>(x, room);
    stage<16, 16>(x);
    exchange<16>(x, room);
    stage<(1 << (BITS - 8)), 256>(x);
}

// Numbers of a row, padded by the line from its last to its first pixel. Without
// branches, so that all reads are under way at once.
__device__ inline void read_row(const Stored* row, int columns, bool is_there, float read[HELD])
{
    const float first = fetch(row[0]), last = fetch(row[columns - 1]);
    const float slope = (first - last) / (float)(LENGTH - columns + 1);
#pragma unroll
    for (int i = 0; i < HELD; ++i)
        read[i] = fetch(row[min((int)threadIdx.x + THREADS * i, columns - 1)]);
#pragma unroll
    for (int i = 0; i < HELD; ++i) {
        const int beyond = threadIdx.x + THREADS * i - columns + 1;
        const float value = beyond > 0 ? last + beyond * slope : read[i];
        read[i] = is_there ? value : 0.0f;
    }
}

__device__ inline float2 turned(double shift, int k)
{
    double turns = shift * k / LENGTH;
    turns -= rint(turns);
    float sine, cosine;
    sincospif(-2.0f * (float)turns, &sine, &cosine);
    return make_float2(cosine, sine);
}

struct __align__(sizeof(Spectrum) * TOGETHER) Side {
    Spectrum by[TOGETHER];
};

// See pair_rows and turn in spectra.cu. Grid: (lanes / TOGETHER, angle).
extern "C" __global__ void __launch_bounds__(THREADS, 512 / THREADS) filter_rows(
    const Stored* __restrict__ p, long long row_step, long long angle_step, int rows,
    int columns, int lanes, const float* __restrict__ response,
    const double* __restrict__ shifts, const float* __restrict__ weights,
    const int* __restrict__ places, float scale, Side* __restrict__ out)
{
    __shared__ float2 room[PLACES];
    __shared__ float2 far[HELD];
    const int angle = blockIdx.y;
    const double shift = shifts[angle];
    if (threadIdx.x < HELD) {
        const int k = THREADS * threadIdx.x;
        far[threadIdx.x] = turned(shift, k < LENGTH / 2 ? k : k - LENGTH);
    }
    float2 found[TOGETHER][HELD];
#pragma unroll
    for (int s = 0; s < TOGETHER; ++s) {
        const int row = 2 * (blockIdx.x * TOGETHER + s);
        float real[HELD], imag[HELD];
        read_row(p + min(row, rows - 1) * row_step + angle * angle_step, columns, row < rows,
                 real);
        read_row(p + min(row + 1, rows - 1) * row_step + angle * angle_step, columns,
                 row + 1 < rows, imag);
#pragma unroll
        for (int i = 0; i < HELD; ++i) found[s][i] = make_float2(real[i], imag[i]);
    }
#pragma unroll
    for (int s = 0; s < TOGETHER; ++s) transform_row(found[s], room);
    const float2 near = turned(shift, threadIdx.x);
    const float amplitude = scale * weights[angle];
    Side* to = out + (size_t)places[angle] * LENGTH * (lanes / TOGETHER) + blockIdx.x;
#pragma unroll
    for (int i = 0; i < HELD; ++i) {
        const int k = threadIdx.x + THREADS * i;
        const float2 turn = times(near, far[i]);
        const float size = amplitude * response[k];
        const float2 factor = make_float2(size * turn.x, size * turn.y);
        Side side;
#pragma unroll
        for (int s = 0; s < TOGETHER; ++s) {
            const float2 value = times(found[s][i], factor);
            side.by[s] = packed(value.x, value.y);
        }
        to[(size_t)(k ^ LENGTH / 2) * (lanes / TOGETHER)] = side;
    }
}
