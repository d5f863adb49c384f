// Rows of attenuation to filtered spectra about the rotation center; the transform
// itself is between the two functions. As kernels/gridding.py `transform_rows`.
#include "spectrum.cuh"

#define SIDE 32
#define TALL 8

// Rows 2 p and 2 p + 1 become the real and imaginary part of (pair, angle, length),
// padded by the line from the last to the first pixel. Grid: (length, angle, pair).
extern "C" __global__ void pair_rows(
    const Stored* __restrict__ p, long long row_step, long long angle_step, int rows,
    int columns, int length, float2* __restrict__ out)
{
    const int angle = blockIdx.y, pair = blockIdx.z;
    const bool first = 2 * pair < rows, second = 2 * pair + 1 < rows;
    const Stored* real = p + 2 * pair * row_step + angle * angle_step;
    const Stored* imag = real + row_step;
    float2* to = out + ((size_t)pair * gridDim.y + angle) * length;
    for (int k = threadIdx.x; k < length; k += blockDim.x) {
        float2 value = make_float2(0.0f, 0.0f);
        if (k < columns) {
            if (first) value.x = fetch(real[k]);
            if (second) value.y = fetch(imag[k]);
        } else {
            const float u = (float)(k - columns + 1) / (float)(length - columns + 1);
            if (first) {
                const float last = fetch(real[columns - 1]);
                value.x = last + u * (fetch(real[0]) - last);
            }
            if (second) {
                const float last = fetch(imag[columns - 1]);
                value.y = last + u * (fetch(imag[0]) - last);
            }
        }
        to[k] = value;
    }
}

// Spectra (pair, angle, length) times response, weight and the phase of a shift become
// (slot, frequency from lowest to highest, lane). places[angle] is its slot, shifts
// are in columns. Grid: (length / SIDE, angle, lanes / SIDE); threads (SIDE, TALL).
extern "C" __global__ void turn(
    const float2* __restrict__ spectra, int pairs, int length, int lanes,
    const float* __restrict__ response, const double* __restrict__ shifts,
    const float* __restrict__ weights, const int* __restrict__ places, float scale,
    Spectrum* __restrict__ out)
{
    __shared__ float2 tile[SIDE][SIDE + 1];
    const int angle = blockIdx.y, angles = gridDim.y;
    const int k = blockIdx.x * SIDE + threadIdx.x;
    float2 factor = make_float2(0.0f, 0.0f);
    if (k < length) {
        const int signed_k = k < length / 2 ? k : k - length;
        double turns = shifts[angle] * signed_k / length;
        turns -= rint(turns);
        float sine, cosine;
        sincospif(-2.0f * (float)turns, &sine, &cosine);
        const float amplitude = scale * weights[angle] * response[k];
        factor = make_float2(amplitude * cosine, amplitude * sine);
    }
    for (int i = threadIdx.y; i < SIDE; i += TALL) {
        const int pair = blockIdx.z * SIDE + i;
        float2 value = make_float2(0.0f, 0.0f);
        if (pair < pairs && k < length)
            value = spectra[((size_t)pair * angles + angle) * length + k];
        tile[i][threadIdx.x] = make_float2(
            value.x * factor.x - value.y * factor.y,
            value.x * factor.y + value.y * factor.x);
    }
    __syncthreads();
    for (int i = threadIdx.y; i < SIDE; i += TALL) {
        const int from = blockIdx.x * SIDE + i;
        if (from >= length) continue;
        const int to = from < length / 2 ? from + length / 2 : from - length / 2;
        const int lane = blockIdx.z * SIDE + threadIdx.x;
        const float2 value = tile[threadIdx.x][i];
        out[((size_t)places[angle] * length + to) * lanes + lane] = packed(value.x, value.y);
    }
}
